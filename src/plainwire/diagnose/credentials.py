"""Rules auth-expired-mid-run, clock-skew-signature, read-after-write-miss: it was another answer before."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from plainwire.model import Evidence

from . import words
from .certificates import SKEW_NS, answered_ns
from .survey import value
from .verdict import IDEMPOTENT, Verdict

if TYPE_CHECKING:
    from plainwire.model import Certainty

    from .survey import Case, Survey

_UNAUTHORIZED, _FORBIDDEN, _MISSING = 401, 403, 404
_WRITES = frozenset(("PUT", "POST", "DELETE", "PATCH"))
_FRESH_NS = 60_000_000_000
_GOOD = range(200, 300)
_NEAR = 100


def expired(survey: Survey) -> list[Verdict]:
    """Credentials that were good and are refused from some moment on, for the same thing."""
    found = []
    for case in survey.errors:
        if case.response.status not in (_UNAUTHORIZED, _FORBIDDEN):
            continue
        verdict = _skewed(case) or _expired(survey, case)
        if verdict is not None:
            found.append(verdict)
    return found


def _credential(case: Case) -> str | None:
    return value(case.request, "authorization") or value(case.request, "cookie")


def _expired(survey: Survey, case: Case) -> Verdict | None:
    credential = _credential(case)
    if credential is None:
        return None
    same = survey.neighbours(case)
    good = [c for c in same if c.response.status in _GOOD and _credential(c) == credential]
    later = [c for c in same if c.request.time_ns > case.request.time_ns and c.response.status in _GOOD]
    before = [c for c in good if c.request.time_ns < case.request.time_ns]
    if not before or later:
        return None
    first, last = before[0], before[-1]
    return Verdict(
        code="auth-expired-mid-run",
        connection=case.connection,
        exchanges=(case.exchange.id,),
        fault="client",
        certainty="likely",
        facts=f"The credentials were accepted {len(before)} times, last in exchange {last.exchange.id}, "
        f"and refused "
        f"(status {case.response.status}) {words.span(case.request.time_ns - first.request.time_ns)} "
        f"after their first use; "
        "nothing of this kind was accepted after that.",
        evidence=(
            Evidence(last.response.packet, f"status {last.response.status} with the same credentials"),
            Evidence(case.response.packet, f"status {case.response.status} with the same credentials"),
        ),
        runner_up="no permission: refuted, the same credentials were accepted at this place before",
        retry_safe=case.request.method in IDEMPOTENT,
        time_ns=case.request.time_ns,
    )


def _skewed(case: Case) -> Verdict | None:
    """A verdict where a signed request was refused and the clocks are far apart."""
    made = answered_ns(case.exchange)
    if made is None or value(case.request, "authorization") is None:
        return None
    apart = made - case.response.time_ns
    if abs(apart) <= SKEW_NS or value(case.response, "age") is not None:
        return None
    certainty: Certainty = "likely"
    return Verdict(
        code="clock-skew-signature",
        connection=case.connection,
        exchanges=(case.exchange.id,),
        fault="client",
        certainty=certainty,
        facts=f"The request bears credentials and was refused (status {case.response.status}). By the "
        f"response's Date the "
        f"server's clock is {words.long_span(apart)} {'ahead of' if apart > 0 else 'behind'} the "
        f"capture's: signatures and "
        "tokens bear times, and are refused when these do not fit.",
        evidence=(
            Evidence(case.request.packet, "the request, with credentials"),
            Evidence(case.response.packet, f"the response, status {case.response.status}, with its Date"),
        ),
        runner_up="auth-expired-mid-run: not excluded; with a clock this wrong nothing can be said of it",
        retry_safe=case.request.method in IDEMPOTENT,
        time_ns=case.request.time_ns,
    )


def lost_writes(survey: Survey) -> list[Verdict]:
    """Things that were written, then missing, then there again."""
    missing = [
        c for c in survey.errors if c.response.status == _MISSING and c.request.method in ("GET", "HEAD")
    ]
    if not missing:
        return []
    found = []
    by_target = survey.of_targets({case.request.target for case in missing})
    written = {target: any(c.request.method == "PUT" for c in cases) for target, cases in by_target.items()}
    for case in missing:
        if not written[case.request.target]:
            continue
        same = [c for c in by_target[case.request.target] if c.request.authority == case.request.authority]
        before, after = _around(same, case)
        if before is not None and after is not None:
            found.append(_miss(case, before, after))
    return found


def _around(same: list[Case], case: Case) -> tuple[Case | None, Case | None]:
    """The write before this miss, and the first read that succeeded after it, nothing written between."""
    before: Case | None = None
    middle = bisect_right(same, case.request.time_ns, key=lambda c: c.request.time_ns)
    for each in same[max(0, middle - _NEAR) : middle + _NEAR]:
        if each.request.time_ns <= case.request.time_ns:
            if each.request.method in _WRITES:
                late = case.request.time_ns - each.response.last_ns
                good = (
                    each.request.method == "PUT" and each.response.status in _GOOD and 0 <= late <= _FRESH_NS
                )
                before = each if good else None
        elif each.request.method in _WRITES:
            return before, None
        elif each.response.status in _GOOD:
            return before, each
    return before, None


def _miss(case: Case, before: Case, after: Case) -> Verdict:
    return Verdict(
        code="read-after-write-miss",
        connection=case.connection,
        exchanges=(case.exchange.id,),
        fault="server",
        certainty=case.certainty,
        facts=f"Exchange {before.exchange.id} wrote it (status {before.response.status}), "
        f"{words.span(case.request.time_ns - before.response.last_ns)} later it was missing (404), and "
        f"in exchange "
        f"{after.exchange.id}, {words.span(after.request.time_ns - before.response.last_ns)} after the "
        f"write, it was there, "
        "without having been written again.",
        evidence=(
            Evidence(before.response.packet, f"status {before.response.status} to the write"),
            Evidence(case.response.packet, "status 404 for the same target"),
            Evidence(after.response.packet, f"status {after.response.status} for it"),
        ),
        runner_up="a thing that was never there: refuted, it was written before and is there after",
        retry_safe=True,
        time_ns=case.request.time_ns,
    )
