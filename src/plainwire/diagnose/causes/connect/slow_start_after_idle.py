"""Rule slow-start-after-idle: after a pause the server sends again as carefully as on a new connection."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire import plurals
from plainwire.diagnose import wording
from plainwire.diagnose.evidence import opening
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import RST, SYN, Evidence, Side

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.diagnose.evidence.opening import Segment
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import Connection, Exchange


_PAUSE_NS = 1_000_000_000
"""Longer than the retransmission timer is without losses (RFC 6298 section 2.4), on most paths. Linux halves
its window for each such time, down to ten segments."""

_LARGE_BYTES = 60_000
"""Bytes of a response that take several round trips to begin with."""

_TELLING_RTT_NS = 20_000_000
"""Below this round trip a few more of them cost too little to see."""

_COST_NS = 200_000_000
"""What the extra round trips must have cost to be worth a word."""

_SIZES_ALIKE = 1.5
"""Transfers whose sizes differ by a smaller factor are compared."""


class _Transfer(Struct, frozen=True):
    """How one response came: its bursts, one a round trip while the sender is careful."""

    exchange: Exchange
    bursts: list[list[Segment]]

    @property
    def first(self) -> int:
        """Bytes of the first burst."""
        return sum(segment.length for segment in self.bursts[0])


def slow_start_after_idle(traffic: Traffic, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Large responses that began slowly after a pause, where one as large had come at once before.

    Only where that cost 200 ms or more, and where the bursts are plain to see.
    """
    del verdicts
    found: list[Verdict] = []
    for connection in traffic.connections:
        rtt = connection.rtt_syn_ns
        if rtt is None or rtt < _TELLING_RTT_NS or connection.segments is None or connection.gaps:
            continue
        large = [e for e in connection.exchanges if e.protocol == "http/1.1" and _size(e) >= _LARGE_BYTES]
        if len(large) < 2 or not any((e.idle_before_ns or 0) >= _PAUSE_NS for e in large):
            continue
        rows = opening.rows(connection.segments)
        transfers = [t for e in large if (t := _transfer(e, rows, rtt)) is not None]
        for number, slow in enumerate(transfers):
            quick = _quicker(slow, transfers[:number], rtt)
            if quick is not None:
                found.append(_verdict(connection, slow, quick, rtt))
    return found


def _size(exchange: Exchange) -> int:
    response = exchange.response
    return 0 if response is None or exchange.outcome != "complete" else response.end - response.start


def _transfer(exchange: Exchange, rows: Sequence[Segment], rtt: int) -> _Transfer | None:
    """Cut the server's segments of a response where nothing came for half of a round trip."""
    response = exchange.response
    assert response is not None  # noqa: S101 - of those that are large
    data = [
        s
        for s in rows
        if s.side == Side.SERVER
        and s.length
        and not s.flags & (SYN | RST)
        and response.start < s.end
        and s.seq < response.end
    ]
    if not data or data[0].seq > response.start or any(b.seq != a.end for a, b in pairwise(data)):
        return None  # older segments are not kept; loss has a pace of its own
    bursts = [[data[0]]]
    for before, segment in pairwise(data):
        if segment.time_ns - before.time_ns >= rtt // 2:
            bursts.append([])
        bursts[-1].append(segment)
    return _Transfer(exchange, bursts)


def _quicker(slow: _Transfer, earlier: Sequence[_Transfer], rtt: int) -> _Transfer | None:
    """The last earlier response, about as large, without a pause, whose first burst was twice as large."""
    idle = slow.exchange.idle_before_ns
    if idle is None or idle < _PAUSE_NS:
        return None
    for other in reversed(earlier):
        alike = _size(slow.exchange) <= _SIZES_ALIKE * _size(other.exchange)
        steady = (other.exchange.idle_before_ns or 0) < _PAUSE_NS
        saved = (len(slow.bursts) - len(other.bursts)) * rtt
        if alike and steady and other.first >= 2 * slow.first and saved >= _COST_NS:
            return other
    return None


def _verdict(connection: Connection, slow: _Transfer, quick: _Transfer, rtt: int) -> Verdict:
    exchange = slow.exchange
    cost = (len(slow.bursts) - len(quick.bursts)) * rtt
    second = slow.bursts[1][0]
    return Verdict(
        code="slow-start-after-idle",
        connection=connection,
        exchanges=(exchange.id,),
        fault="server",
        grounds=(Ground.INFERENCE,),
        facts=f"After {wording.span(exchange.idle_before_ns or 0)} of idleness the server began with "
        f"{plurals.count(slow.first, 'byte')} and took {plurals.count(len(slow.bursts), 'round trip')} of "
        f"{wording.span(rtt)} for the response; for exchange {quick.exchange.id} before, about as large, it "
        f"began with {quick.first} bytes and took {len(quick.bursts)}. That is {wording.span(cost)} more.",
        evidence=(
            Evidence(slow.bursts[0][0].packet, f"the first {slow.first} bytes of the response begin"),
            Evidence(second.packet, "the next ones, a round trip later"),
            Evidence(quick.bursts[0][0].packet, f"exchange {quick.exchange.id}: {quick.first} bytes at once"),
        ),
        runner_up="loss: refuted, every byte came in order and once",
        retry_safe=None,
        time_ns=exchange.request.time_ns if exchange.request is not None else 0,
    )
