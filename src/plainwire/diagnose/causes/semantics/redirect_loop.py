"""Rule redirect-loop: redirects that lead back to where they began."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose.traffic.answered import value
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.answered import Answered, AnsweredExchanges


_ROUNDS = 3

_CHAIN_NS = 10_000_000_000
"""A client follows a redirect at once: what comes later than this is no part of the chain."""

State = tuple[str, str | None, str | None, str]


def redirect_loop(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Chains of redirects in which the same request comes up three times at least, with the same cookies."""
    if len(exchanges.redirects) < _ROUNDS:
        return []
    found: list[Verdict] = []
    for chain in _chains(exchanges.redirects):
        rounds: dict[State, list[Answered]] = {}
        for case in chain:
            rounds.setdefault(_state(case), []).append(case)
        most = max(rounds.values(), key=len)
        if len(most) >= _ROUNDS:
            found.append(_verdict(chain, most, len([s for s in rounds.values() if len(s) > 1])))
    return found


def _state(case: Answered) -> State:
    request = case.request
    return request.method, request.authority, value(request, "cookie"), request.target


def _chains(cases: list[Answered]) -> list[list[Answered]]:
    """Redirects that follow each other, each sent when the one before had been answered."""
    chains: list[list[Answered]] = []
    for case in sorted(cases, key=lambda c: c.request.time_ns):
        last = chains[-1][-1] if chains else None
        if last is not None and 0 <= case.request.time_ns - last.response.last_ns <= _CHAIN_NS:
            chains[-1].append(case)
        else:
            chains.append([case])
    return [chain for chain in chains if len(chain) >= _ROUNDS]


def _verdict(chain: list[Answered], most: list[Answered], places: int) -> Verdict:
    first = most[0]
    return Verdict(
        code="redirect-loop",
        connection=first.connection,
        exchanges=tuple(c.exchange.id for c in chain),
        fault="server",
        certainty=first.certainty,
        facts=f"{len(chain)} redirects in a row, through {places} place{'s' if places > 1 else ''} that came "
        f"up again: the same request (method, URL and cookies) was redirected {len(most)} times.",
        evidence=tuple(
            item
            for case in most[:_ROUNDS]
            for item in (
                Evidence(case.request.packet, "the request"),
                Evidence(case.response.packet, f"a redirect, status {case.response.status}"),
            )
        ),
        runner_up="a client that does not keep its cookies: the requests bear the same ones each time"
        if value(first.request, "cookie") is not None
        else "a client that does not keep its cookies: possible, its requests bear none",
        retry_safe=None,
        time_ns=first.request.time_ns,
    )
