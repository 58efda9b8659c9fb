"""Rule auth-expired-mid-run: credentials were accepted, and then no more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose import wording
from plainwire.diagnose.evidence.exchanges import IDEMPOTENT, SUCCESS
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.traffic.copies import value
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

from .clock_skew_signature import clock_skew_signature

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.answered import Answered, AnsweredExchanges


_UNAUTHORIZED, _FORBIDDEN = 401, 403
"""RFC 9110 sections 15.5.2 and 15.5.4."""


def auth_expired_mid_run(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Credentials that were good and are refused from some moment on, for the same thing."""
    found = []
    for case in exchanges.errors:
        if case.response.status not in (_UNAUTHORIZED, _FORBIDDEN):
            continue
        verdict = clock_skew_signature(case) or _expired(exchanges, case)
        if verdict is not None:
            found.append(verdict)
    return found


def _credential(case: Answered) -> str | None:
    return value(case.request, "authorization") or value(case.request, "cookie")


def _expired(exchanges: AnsweredExchanges, case: Answered) -> Verdict | None:
    credential = _credential(case)
    if credential is None:
        return None
    same = exchanges.neighbours(case)
    good = [c for c in same if c.response.status in SUCCESS and _credential(c) == credential]
    later = [c for c in same if c.request.time_ns > case.request.time_ns and c.response.status in SUCCESS]
    before = [c for c in good if c.request.time_ns < case.request.time_ns]
    if not before or later:
        return None
    first, last = before[0], before[-1]
    return Verdict(
        code="auth-expired-mid-run",
        connection=case.connection,
        exchanges=(case.exchange.id,),
        fault="client",
        grounds=(Ground.INFERENCE,),
        facts=f"The credentials were accepted {plurals.times(len(before))}, last in exchange "
        f"{last.exchange.id}, and refused (status {case.response.status}) "
        f"{wording.span(case.request.time_ns - first.request.time_ns)} after their first use; nothing of "
        "this kind was accepted after that.",
        evidence=(
            Evidence(last.response.packet, f"status {last.response.status} with the same credentials"),
            Evidence(case.response.packet, f"status {case.response.status} with the same credentials"),
        ),
        runner_up="no permission: refuted, the same credentials were accepted at this place before",
        retry_safe=case.request.method in IDEMPOTENT,
        time_ns=case.request.time_ns,
    )
