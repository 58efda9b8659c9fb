"""Round trips, and what came sooner than one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.arrays import np
from plainwire.model import RST, SYN, Side

from .acknowledgments import sent_ns

if TYPE_CHECKING:
    from plainwire.model import CloseEvent, Connection, Int64s, Segments


SLOWEST_PHYSICS = 0.7
"""An answer sooner than this share of the smallest round trip came from somewhere nearer."""

SMALLEST_TELLING_RTT_NS = 2_000_000
"""Below this round trip, clock noise drowns the comparison with physics."""


def shortest_rtt(connection: Connection) -> int | None:
    """The smallest round trip seen, in ns: SYN to SYN-ACK, or data to its acknowledgment.

    Retransmitted segments are left out: nobody knows which copy an acknowledgment answers. A relay accepts a
    connection when the server has, and acknowledges data when it likes.
    """
    samples = [] if connection.rtt_syn_ns is None else [connection.rtt_syn_ns]
    segments = connection.segments
    if segments is not None and len(segments) and not connection.relayed:
        delays = _ack_delays(segments)
        samples += [int(delays.min())] if len(delays) else []
    return min(samples, default=None)


def _ack_delays(segments: Segments) -> Int64s:
    sent = np.flatnonzero((segments.side == Side.CLIENT) & (segments.length > 0))
    trusted = segments.flags & (SYN | RST) == 0  # a forged RST must not vouch for its own timing
    acks = np.flatnonzero((segments.side == Side.SERVER) & (segments.ack >= 0) & trusted)
    if not len(sent) or not len(acks):
        return np.empty(0, dtype=np.int64)
    ends = segments.seq[sent] + segments.length[sent]
    before = np.concatenate(([np.iinfo(np.int64).min], np.maximum.accumulate(ends)[:-1]))
    fresh = segments.seq[sent] >= before
    again = np.zeros(len(sent), dtype=bool)
    again[:-1] = np.minimum.accumulate(segments.seq[sent][::-1])[::-1][1:] < ends[:-1]
    sent, ends = sent[fresh & ~again], ends[fresh & ~again]
    heights = np.maximum.accumulate(segments.ack[acks])
    where = np.searchsorted(heights, ends, side="left")
    answered = where < len(acks)
    delays = segments.time_ns[acks[where[answered]]] - segments.time_ns[sent[answered]]
    shortest: Int64s = delays[delays > 0]
    return shortest


def too_early(connection: Connection, reset: CloseEvent) -> tuple[int, int] | None:
    """(delay, smallest round trip) where ``reset`` follows its cause sooner than the server could answer."""
    rtt, cause_ns = shortest_rtt(connection), _cause_ns(connection, reset)
    if rtt is None or cause_ns is None:
        return None
    delay = reset.time_ns - cause_ns
    if rtt < SMALLEST_TELLING_RTT_NS or delay < 0 or delay >= SLOWEST_PHYSICS * rtt:
        return None
    return delay, rtt


def _cause_ns(connection: Connection, reset: CloseEvent) -> int | None:
    """When the client first sent what ``reset`` answers; None where no segment kept says.

    An active one acknowledges the newest data that its sender had; a reactive one repeats, as its
    sequence number, what the provoking data acknowledged.
    """
    if reset.ack is not None:
        return sent_ns(connection, reset.side.peer, reset.ack)
    segments = connection.segments
    if segments is None:
        return None
    rows = np.flatnonzero(
        (segments.side == reset.side.peer) & (segments.length > 0) & (segments.ack == reset.seq),
    )
    return int(segments.time_ns[rows[0]]) if len(rows) else None
