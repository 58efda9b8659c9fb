"""Rule clock-skew-signature: a signed request was refused, and the clocks differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.exchanges import IDEMPOTENT
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.thresholds import SKEW_NS
from plainwire.diagnose.traffic.copies import value
from plainwire.diagnose.traffic.server_clock import answered_ns
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.answered import Answered


def clock_skew_signature(case: Answered) -> Verdict | None:
    """A verdict where a signed request was refused and the clocks are far apart."""
    made = answered_ns(case.exchange)
    if made is None or value(case.request, "authorization") is None:
        return None
    apart = made - case.response.time_ns
    if abs(apart) <= SKEW_NS or value(case.response, "age") is not None:
        return None
    return Verdict(
        code="clock-skew-signature",
        connection=case.connection,
        exchanges=(case.exchange.id,),
        fault="client",
        grounds=(Ground.SAID, Ground.INFERENCE),
        facts=f"The request has credentials and was refused (status {case.response.status}). By the "
        f"response's Date the server's clock is {wording.long_span(apart)} "
        f"{'ahead of' if apart > 0 else 'behind'} the capture's: signatures and tokens contain times, and "
        "are refused when these do not fit.",
        evidence=(
            Evidence(case.request.packet, "the request, with credentials"),
            Evidence(case.response.packet, f"the response, status {case.response.status}, with its Date"),
        ),
        runner_up="auth-expired-mid-run: not excluded; with a clock this wrong nothing can be said of it",
        retry_safe=case.request.method in IDEMPOTENT,
        time_ns=case.request.time_ns,
    )
