"""Rule nagle-delayed-ack: small writes that wait for a delayed acknowledgment."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire import plurals
from plainwire.diagnose import wording
from plainwire.diagnose.evidence import opening
from plainwire.diagnose.evidence.round_trip import shortest_rtt
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import RST, SYN, Evidence, Side

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from plainwire.diagnose.evidence.opening import Segment
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import Connection, Endpoint, Exchange, Request, Response


_MILLISECOND_NS = 1_000_000
"""In ns."""

_DELAYED = ((35, 65), (180, 230))
"""How long, in ms, an acknowledgment is delayed: Linux, and the others (RFC 1122 section 4.2.3.2)."""

_AT_ONCE = 3  # ms: a held segment leaves as soon as the acknowledgment is there

_SMALL_BYTES = 1400
"""Less than a full segment (Ethernet: 1,448 bytes and more)."""

_FEWEST_DELAYED = 5
"""So many delayed messages are a habit of the writer, not a coincidence."""

_MOST_LOOKED_AT = 100


class _Held(Struct, frozen=True):
    """A segment that waited for the acknowledgment of the one before."""

    connection: Connection
    exchange: Exchange
    sender: Side
    first: Segment
    ack: Segment
    second: Segment

    @property
    def delay_ns(self) -> int:
        return self.ack.time_ns - self.first.time_ns


def nagle_delayed_ack(traffic: Traffic, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Messages sent in two small writes, the second of which waits for a delayed acknowledgment.

    Nagle's algorithm (RFC 9293 section 3.7.4) and delayed acknowledgments meet. Seen on the packets of each
    message that took so long, and only said where it happens again and again.
    """
    del verdicts
    held: dict[tuple[Endpoint, Side], list[_Held]] = {}
    looked_at: dict[tuple[Endpoint, Side], int] = {}
    for connection, exchange, side in _drawn_out(traffic):
        key = connection.server, side
        looked_at[key] = looked_at.get(key, 0) + 1
        if looked_at[key] <= _MOST_LOOKED_AT:
            found = _find(connection, exchange, side)
            if found is not None:
                held.setdefault(key, []).append(found)
    return [
        _held_verdict(one)
        for key, members in held.items()
        if len(members) >= _FEWEST_DELAYED and 2 * len(members) >= min(looked_at[key], _MOST_LOOKED_AT)
        for one in members
    ]


def _drawn_out(traffic: Traffic) -> Iterator[tuple[Connection, Exchange, Side]]:
    """Messages of few bytes that took as long as a delayed acknowledgment at least."""
    least, most = _DELAYED[0][0] * _MILLISECOND_NS, 2 * _DELAYED[-1][1] * _MILLISECOND_NS
    for connection in traffic.connections:
        for exchange in connection.exchanges:
            if (
                exchange.duration_ns is None
                or exchange.duration_ns < least
                or exchange.protocol != "http/1.1"
            ):
                continue
            for side, message in ((Side.CLIENT, exchange.request), (Side.SERVER, exchange.response)):
                if message is not None and least <= message.last_ns - message.time_ns <= most:
                    yield connection, exchange, side


def _find(connection: Connection, exchange: Exchange, side: Side) -> _Held | None:
    message: Request | Response | None = exchange.request if side == Side.CLIENT else exchange.response
    if message is None or connection.segments is None:
        return None
    around = [
        s
        for s in opening.rows(connection.segments)
        if message.time_ns <= s.time_ns <= message.last_ns and s.flags & (SYN | RST) == 0
    ]
    data = [s for s in around if s.side == side and s.length]
    for first, second in pairwise(data):
        acks = [
            s
            for s in around
            if s.side != side and first.end <= s.ack < second.end and s.time_ns >= first.time_ns
        ]
        if first.length >= _SMALL_BYTES or second.seq != first.end or not acks:
            continue
        found = _Held(connection, exchange, side, first, acks[0], second)
        if _is_delayed(found):
            return found
    return None


def _is_delayed(found: _Held) -> bool:
    """Whether the acknowledgment was as late as a timer makes it, and the second segment came upon it."""
    rtt = (shortest_rtt(found.connection) or 0) / _MILLISECOND_NS
    from_ack = (found.second.time_ns - found.ack.time_ns) / _MILLISECOND_NS
    delay = found.delay_ns / _MILLISECOND_NS
    if found.sender == Side.CLIENT:  # the acknowledgment had the whole way to come
        delay -= rtt
    else:
        from_ack -= rtt
    return -_AT_ONCE <= from_ack <= _AT_ONCE and any(low <= delay <= high for low, high in _DELAYED)


def _held_verdict(held: _Held) -> Verdict:
    name = "client" if held.sender == Side.CLIENT else "server"
    what = "request" if held.sender == Side.CLIENT else "response"
    return Verdict(
        code="nagle-delayed-ack",
        connection=held.connection,
        exchanges=(held.exchange.id,),
        fault="client" if held.sender == Side.CLIENT else "server",
        grounds=(Ground.INFERENCE,),
        facts=f"The {name} sent the first {plurals.count(held.first.length, f'byte of the {what}')} alone "
        f"and held the rest back until they were acknowledged, {wording.span(held.delay_ns)} later.",
        evidence=(
            Evidence(held.first.packet, f"{plurals.count(held.first.length, f'byte of the {what}')}"),
            Evidence(held.ack.packet, f"their acknowledgment, {wording.span(held.delay_ns)} later"),
            Evidence(held.second.packet, f"the next {held.second.length} bytes, as soon as it was there"),
        ),
        runner_up="a slow program: refuted, the rest leaves with the acknowledgment each time",
        retry_safe=None,
        time_ns=held.exchange.request.time_ns if held.exchange.request else 0,
    )
