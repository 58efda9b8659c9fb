"""Failures that follow from another one: a program that serves, and itself asks somebody else.

Its 502 encloses in time the failure of what the same process asked upstream. That is one failure, told once:
where it began.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from plainwire.model import Evidence

from .evidence.exchanges import SERVER_ERROR_STATUS, finished_ns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.model import Connection, Exchange

    from .traffic.traffic import Traffic
    from .verdict import Verdict


class _AskedUpstream(NamedTuple):
    """A failed exchange of a process, with its verdict's place."""

    began_ns: int
    ended_ns: int
    place: int


GAVE_UP = ("client-abort", "client-timeout-too-short")
"""What is said of a client that left."""

_CLOSES_LATE_NS = 1_000_000_000
"""A program that gives a request up answers its own client first, and may close the connection after that."""


def told_once(traffic: Traffic, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts without those on answers that follow from another failure, which then says so."""
    verdicts = _without_leavings(verdicts)
    served = {
        e.id: (c, e)
        for c in traffic.connections
        if c.served_by is not None
        for e in c.exchanges
        if e.response is not None and e.response.status >= SERVER_ERROR_STATUS
    }
    if not served:
        return list(verdicts)
    asked = _asked(traffic, verdicts)
    kept: dict[int, Verdict] = dict(enumerate(verdicts))
    for place, verdict in enumerate(verdicts):
        front = served.get(verdict.exchanges[-1]) if verdict.exchanges else None
        root = None if front is None else _root(*front, asked)
        if front is not None and root is not None and root != place:
            kept[root] = _with_consequence(kept[root], front[1])
            del kept[place]
    return list(kept.values())


def _without_leavings(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Where answers are shifted by one, the client gives up the last one: it has no use for it."""
    shifted = {number for verdict in verdicts if is_shift(verdict) for number in verdict.exchanges}
    return [v for v in verdicts if v.code not in GAVE_UP or not set(v.exchanges) & shifted]


def is_shift(verdict: Verdict) -> bool:
    """Whether a client takes each response for another request's."""
    return verdict.code == "response-desync" and verdict.fault == "client"


def _asked(traffic: Traffic, verdicts: Sequence[Verdict]) -> dict[int, list[_AskedUpstream]]:
    """What failed of what each process asked for."""
    exchanges = {e.id: (c, e) for c in traffic.connections for e in c.exchanges if c.program is not None}
    found: dict[int, list[_AskedUpstream]] = defaultdict(list)
    for place, verdict in enumerate(verdicts):
        known = exchanges.get(verdict.exchanges[-1]) if verdict.exchanges else None
        if known is None or known[0].program is None or known[1].request is None:
            continue
        connection, exchange = known
        ends = [c.time_ns for c in connection.closes if c.time_ns >= known[1].request.time_ns]
        ended = finished_ns(exchange) if exchange.outcome == "complete" else min(ends, default=0)
        ended = max(ended, finished_ns(exchange))
        if verdict.code in GAVE_UP:
            ended = max(finished_ns(exchange), ended - _CLOSES_LATE_NS)
        found[known[0].program.pid].append(_AskedUpstream(known[1].request.time_ns, ended, place))
    return found


def _root(connection: Connection, exchange: Exchange, asked: dict[int, list[_AskedUpstream]]) -> int | None:
    """The last failure of the serving process between the request and its answer."""
    request, response = exchange.request, exchange.response
    if request is None or response is None or connection.served_by is None:
        return None
    inside = [
        each
        for each in asked.get(connection.served_by, ())
        if request.time_ns <= each.began_ns and each.ended_ns <= response.time_ns
    ]
    return max(inside, key=lambda each: each.ended_ns).place if inside else None


def _with_consequence(verdict: Verdict, front: Exchange) -> Verdict:
    response = front.response
    status = 0 if response is None else response.status
    return replace(
        verdict,
        facts=f"{verdict.facts} Exchange {front.id}, which the same process answered with status {status}, "
        "encloses it in time and follows from it.",
        evidence=(
            *verdict.evidence,
            *(
                Evidence(r.packet, "the request that the same process was serving")
                for r in (front.request,)
                if r
            ),
            *(Evidence(r.packet, f"its answer to that, status {r.status}") for r in (response,) if r),
        ),
    )
