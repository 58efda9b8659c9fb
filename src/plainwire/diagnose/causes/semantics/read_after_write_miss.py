"""Rule read-after-write-miss: written, then missing, then there again."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.exchanges import SUCCESS
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.answered import Answered, AnsweredExchanges


_MISSING = 404
"""RFC 9110 section 15.5.5."""
_WRITES = frozenset(("PUT", "POST", "DELETE", "PATCH"))

_FRESH_NS = 60_000_000_000
"""A read within a minute of the write should see it (chosen)."""

_MOST_NEAR_BY = 100


def read_after_write_miss(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Things that were written, then missing, then there again."""
    missing = [
        c for c in exchanges.errors if c.response.status == _MISSING and c.request.method in ("GET", "HEAD")
    ]
    if not missing:
        return []
    found = []
    by_target = exchanges.of_targets({case.request.target for case in missing})
    written = {target: any(c.request.method == "PUT" for c in cases) for target, cases in by_target.items()}
    for case in missing:
        if not written[case.request.target]:
            continue
        same = [c for c in by_target[case.request.target] if c.request.authority == case.request.authority]
        before, after = _around(same, case)
        if before is not None and after is not None:
            found.append(_miss(case, before, after))
    return found


def _around(same: list[Answered], case: Answered) -> tuple[Answered | None, Answered | None]:
    """The write before this miss, and the first read that succeeded after it, nothing written between."""
    before: Answered | None = None
    middle = bisect_right(same, case.request.time_ns, key=lambda c: c.request.time_ns)
    for each in same[max(0, middle - _MOST_NEAR_BY) : middle + _MOST_NEAR_BY]:
        if each.request.time_ns <= case.request.time_ns:
            if each.request.method in _WRITES:
                late = case.request.time_ns - each.response.last_ns
                good = (
                    each.request.method == "PUT"
                    and each.response.status in SUCCESS
                    and 0 <= late <= _FRESH_NS
                )
                before = each if good else None
        elif each.request.method in _WRITES:
            return before, None
        elif each.response.status in SUCCESS:
            return before, each
    return before, None


def _miss(case: Answered, before: Answered, after: Answered) -> Verdict:
    return Verdict(
        code="read-after-write-miss",
        connection=case.connection,
        exchanges=(case.exchange.id,),
        fault="server",
        grounds=(Ground.SAID,),
        facts=f"Exchange {before.exchange.id} wrote it (status {before.response.status}), "
        f"{wording.span(case.request.time_ns - before.response.last_ns)} later it was missing (404), and in "
        f"exchange {after.exchange.id}, {wording.span(after.request.time_ns - before.response.last_ns)} "
        "after the write, it was there, without having been written again.",
        evidence=(
            Evidence(before.response.packet, f"status {before.response.status} to the write"),
            Evidence(case.response.packet, "status 404 for the same target"),
            Evidence(after.response.packet, f"status {after.response.status} for it"),
        ),
        runner_up="a thing that was never there: refuted, it was written before and is there after",
        retry_safe=True,
        time_ns=case.request.time_ns,
    )
