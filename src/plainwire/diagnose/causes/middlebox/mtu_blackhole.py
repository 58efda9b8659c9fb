"""Rule mtu-blackhole: large packets vanish on the path, small ones pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.arrays import np
from plainwire.diagnose import wording
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.traffic import segment_sizes
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence, Side

from .unanswered_sendings import FEWEST_UNANSWERED, MOST_CITED

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import Connection, Int64s, Segments


_HEADROOM = 300
"""Tunnels leave about so much room above ``sizes.BIG``."""

_LONG_ENOUGH_NS = 1_000_000_000
"""The server has repeated a lost segment several times by then (RFC 6298 section 5)."""

_TOO_BIG_MESSAGES = ((3, 4), (2, 0))
"""Type and code of ICMP (RFC 1191) and, type only, of ICMPv6 (RFC 4443 section 3.2)."""


def mtu_blackhole(failed: FailedExchange) -> Verdict | None:
    """A verdict where only large segments were lost, each time, while smaller ones had passed."""
    connection, request = failed.connection, failed.request
    asked = Evidence(request.packet, f"the request, {wording.run(request)}")
    waited = failed.given_up_ns - request.last_ns
    lost = _large_requests(connection, request.start, failed.traffic) or _large_answers(
        connection, request.end, failed.traffic, asked, waited
    )
    if lost is None or lost.missing < segment_sizes.BIG:
        return None
    return _verdict(lost, connection, failed)


def lost_before_a_request(connection: Connection, traffic: Traffic) -> Verdict | None:
    """The same on a connection of which no request can be read: what would tell it was lost.

    What the server said is not its silence: its numbers went on.
    """
    if connection.transport != "tcp" or not connection.established or connection.mid_stream:
        return None
    opens = Evidence(connection.first_packet, "the connection begins")
    lost = _large_requests(connection, 0, traffic) or _large_answers(connection, 1, traffic, opens, 0)
    return None if lost is None else _verdict(lost, connection, None)


class _Lost(Struct, frozen=True):
    """What was lost: at least one segment of ``missing`` bytes, or so many bytes in all."""

    facts: str
    cited: tuple[Evidence, ...]
    missing: int
    sure: bool


def _large_requests(connection: Connection, start: int, traffic: Traffic) -> _Lost | None:
    """The client's own large segments went out several times and were never acknowledged."""
    segments = connection.segments
    stuck = None if segments is None else _stuck(segments, start)
    if segments is None or stuck is None:
        return None
    rows, size = stuck
    passed = traffic.sizes[connection.server].acknowledged
    if not 0 < passed < size:
        return None
    return _Lost(
        f"A segment of {size} bytes was sent {len(rows)} times and never acknowledged; the largest that ever "
        f"was acknowledged here had {passed} bytes.",
        tuple(
            Evidence(int(segments.number[row]), f"{size} bytes, transmission {count}, never acknowledged")
            for count, row in enumerate(rows[:MOST_CITED], 1)
        ),
        size,
        sure=False,
    )


def _large_answers(
    connection: Connection, after: int, traffic: Traffic, asked: Evidence, waited: int
) -> _Lost | None:
    """The server's numbers went on although hardly one segment with the bytes between ever came."""
    own = segment_sizes.never_came(connection, after)
    if own is None:
        return None
    packet, missing, seen = own
    known = traffic.sizes[connection.server]
    largest, same = known.from_server, known.never_came
    if max(waited, seen) < _LONG_ENOUGH_NS or largest >= segment_sizes.BIG + _HEADROOM:
        return None
    return _Lost(
        f"The server had all that was sent, and its numbers went on by {missing} bytes, of which no large "
        f"segment came in {wording.span(max(waited, seen))} (the client's acknowledgments stand still before "
        + (f"them); the largest that ever came from it had {largest} bytes." if largest else "them).")
        + (f" The same happened on {same} connections." if same > 1 else ""),
        (asked, Evidence(packet, f"a small segment of the server's, {missing} bytes beyond what came")),
        missing,
        sure=same > 1 and largest > 0,
    )


def _verdict(lost: _Lost, connection: Connection, failed: FailedExchange | None) -> Verdict:
    said = [
        error
        for error in connection.icmp_errors
        if error.mtu is not None or (error.type, error.code) in _TOO_BIG_MESSAGES
    ]
    return Verdict(
        code="mtu-blackhole" if lost.missing >= segment_sizes.BIG else "retransmission-loss",
        connection=connection,
        exchanges=() if failed is None else (failed.exchange.id,),
        fault="path",
        grounds=(Ground.INFERENCE,) if said or lost.sure else (Ground.GUESS,),
        facts=lost.facts + (" A router said that packets were too large for its next link." if said else ""),
        evidence=(
            *lost.cited,
            *(Evidence(error.packet, "an ICMP error: the packet was too large") for error in said[:1]),
        ),
        runner_up="loss at random: "
        + (
            "it would have struck small segments too"
            if said or lost.sure
            else "not excluded, but it strikes small ones"
        ),
        retry_safe=True if failed is None else failed.idempotent,
        time_ns=connection.opened_ns if failed is None else failed.request.time_ns,
    )


def _stuck(segments: Segments, start: int) -> tuple[Int64s, int] | None:
    """The transmissions of a large segment, and its size, that the server never acknowledged."""
    acks = segments.ack[(segments.side == Side.SERVER) & (segments.ack >= 0)]
    if not len(acks):
        return None
    known = int(acks.max())
    data = (segments.side == Side.CLIENT) & (segments.length > 0)
    rows = np.flatnonzero(data & (segments.seq == known))  # the end of the handshake may be in it
    if len(rows) < FEWEST_UNANSWERED:
        rows = np.flatnonzero(data & (segments.seq == max(known, start)))
    if len(rows) < FEWEST_UNANSWERED:
        return None
    size = int(segments.length[rows].min())
    return (rows, size) if size >= segment_sizes.BIG else None
