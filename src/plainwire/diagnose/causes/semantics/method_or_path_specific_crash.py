"""Rule method-or-path-specific-crash: this request fails each time, others never."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .status import FEWEST_REFUSED, status_verdict

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.answered import Answered, AnsweredExchanges
    from plainwire.diagnose.verdict import Verdict


_FEWEST_OTHERS = 5
"""Other requests that went well: with fewer nothing sets this one apart."""


def method_or_path_specific_crash(exchanges: AnsweredExchanges, case: Answered) -> Verdict | None:
    """A verdict where this place fails each time and no other ever does."""
    tally, name = exchanges.tallies[case.connection.server], (case.request.method, case.request.target)
    bad, others = tally.bad[name], tally.count - tally.all[name]
    if bad < FEWEST_REFUSED or bad != tally.all[name] or bad != tally.count_bad or others < _FEWEST_OTHERS:
        return None
    return status_verdict(
        "method-or-path-specific-crash",
        case,
        f"This request failed each time ({bad} of {bad}, status {case.response.status}), and none of "
        f"{others} others to the server did: what is asked for decides, not the moment.",
        "server",
        "overload-5xx: refuted, it strikes only this request",
    )
