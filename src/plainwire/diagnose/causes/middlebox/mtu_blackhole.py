"""Rule mtu-blackhole: large packets vanish on the path, small ones pass."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.arrays import np
from plainwire.diagnose import wording
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.traffic import segment_sizes
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence, Side

from .unanswered_sendings import FEWEST_UNANSWERED, MOST_CITED

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import Int64s, Segments


_HEADROOM = 300
"""Tunnels leave about so much room above ``sizes.BIG``."""

_LONG_ENOUGH_NS = 1_000_000_000
"""The server has repeated a lost segment several times by then (RFC 6298 section 5)."""

_TOO_BIG_MESSAGES = ((3, 4), (2, 0))
"""Type and code of ICMP (RFC 1191) and, type only, of ICMPv6 (RFC 4443 section 3.2)."""


def mtu_blackhole(failed: FailedExchange) -> Verdict | None:
    """A verdict where only large segments were lost, each time, while smaller ones had passed."""
    return _large_requests(failed) or _large_answers(failed)


def _large_requests(failed: FailedExchange) -> Verdict | None:
    """The client's own large segments went out several times and were never acknowledged."""
    segments = failed.connection.segments
    lost = None if segments is None else _stuck(segments, failed.request.start)
    if segments is None or lost is None:
        return None
    rows, size = lost
    passed = failed.traffic.sizes[failed.connection.server].acknowledged
    if not 0 < passed < size:
        return None
    return _too_large(
        failed,
        f"A segment of {size} bytes was sent {len(rows)} times and never acknowledged; the largest that ever "
        f"was acknowledged here had {passed} bytes.",
        tuple(
            Evidence(int(segments.number[row]), f"{size} bytes, transmission {count}, never acknowledged")
            for count, row in enumerate(rows[:MOST_CITED], 1)
        ),
        sure=False,
    )


def _large_answers(failed: FailedExchange) -> Verdict | None:
    """The server's numbers went on although not one segment with the bytes between ever came."""
    own = segment_sizes.never_came(failed.connection, failed.request.end)
    if own is None:
        return None
    packet, missing, waited = own
    waited = max(waited, failed.given_up_ns - failed.request.last_ns)
    known = failed.traffic.sizes[failed.connection.server]
    largest, same = known.from_server, known.never_came
    if (
        missing < segment_sizes.BIG
        or waited < _LONG_ENOUGH_NS
        or not 0 < largest < segment_sizes.BIG + _HEADROOM
    ):
        return None
    return _too_large(
        failed,
        f"The server had the request, and its numbers went on by {missing} bytes, of which not one came in "
        f"{wording.span(waited)} (the client's acknowledgments stand still before them); the largest segment "
        f"that ever came from it had {largest} bytes."
        + (f" The same happened on {same} connections." if same > 1 else ""),
        (
            Evidence(failed.request.packet, f"the request, {wording.run(failed.request)}"),
            Evidence(packet, f"a small segment of the server's, {missing} bytes beyond what came"),
        ),
        sure=same > 1,
    )


def _too_large(failed: FailedExchange, facts: str, cited: tuple[Evidence, ...], *, sure: bool) -> Verdict:
    said = [
        error
        for error in failed.connection.icmp_errors
        if error.mtu is not None or (error.type, error.code) in _TOO_BIG_MESSAGES
    ]
    return Verdict(
        code="mtu-blackhole",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault="path",
        grounds=(Ground.INFERENCE,) if said or sure else (Ground.GUESS,),
        facts=facts + (" A router said that packets were too large for its next link." if said else ""),
        evidence=(
            *cited,
            *(Evidence(error.packet, "an ICMP error: the packet was too large") for error in said[:1]),
        ),
        runner_up="loss at random: "
        + (
            "it would have struck small segments too"
            if said or sure
            else "not excluded, but it strikes small ones"
        ),
        retry_safe=failed.idempotent,
        time_ns=failed.request.time_ns,
    )


def _stuck(segments: Segments, start: int) -> tuple[Int64s, int] | None:
    """The transmissions of a large segment, and its size, that the server never acknowledged."""
    acks = segments.ack[(segments.side == Side.SERVER) & (segments.ack >= 0)]
    if not len(acks):
        return None
    known = int(acks.max())
    known = max(known, start)
    waiting = (segments.side == Side.CLIENT) & (segments.length > 0) & (segments.seq == known)
    rows = np.flatnonzero(waiting)
    if len(rows) < FEWEST_UNANSWERED:
        return None
    size = int(segments.length[rows].min())
    return (rows, size) if size >= segment_sizes.BIG else None
