"""Rule gateway-timeout: a gateway gave up waiting for what is behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.servers_own_pages import h2o_gave_up_waiting
from plainwire.diagnose.statistics.median import median
from plainwire.diagnose.thresholds import SECOND_NS

from .status import CLOUDFLARE_TIMEOUT, GATEWAY_TIMEOUT, status_verdict

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.answered import Answered, AnsweredExchanges
    from plainwire.diagnose.verdict import Verdict
    from plainwire.model import Endpoint


_SAME_WAIT_SHARE = 0.01
"""Waits that differ by less are those of one timer."""

_ROUND_WAITS = (29, 30, 60, 100, 120, 300)
"""In s: defaults of gateways (AWS API Gateway 29, Heroku 30, nginx and ALB 60, Cloudflare 100; 120 and 300
are set often)."""

_SMALLEST_WAIT_NS = 500_000_000
"""Nobody sets a gateway's timer to less."""


def gateway_timeout(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Gateways that gave up waiting for what is behind them (RFC 9110 section 15.6.5)."""
    cases = [
        case
        for case in exchanges.errors
        if case.response.status in (GATEWAY_TIMEOUT, CLOUDFLARE_TIMEOUT) or h2o_gave_up_waiting(case.response)
    ]
    by_server: dict[Endpoint, list[int]] = {}
    for case in cases:
        by_server.setdefault(case.connection.server, []).append(case.first_byte_ns)
    return [
        status_verdict(
            "gateway-timeout",
            case,
            f"The gateway at {wording.address(case.connection)} answered {wording.span(case.first_byte_ns)} "
            "after the request that what is behind it did not answer in time (status "
            f"{case.response.status}{_in_its_words(case)}).{_constant(by_server[case.connection.server])}",
            "server",
            "overload-5xx: refuted, the answer names the wait",
        )
        for case in cases
    ]


def _in_its_words(case: Answered) -> str:
    if case.response.status in (GATEWAY_TIMEOUT, CLOUDFLARE_TIMEOUT):
        return ""
    return ", with the words by which h2o says so: proxy.timeout.io"


def _constant(waits: list[int]) -> str:
    middle = median(waits)
    if len(waits) < 2 or middle < _SMALLEST_WAIT_NS:
        return ""
    if max(abs(wait - middle) for wait in waits) > _SAME_WAIT_SHARE * middle:
        return ""
    near = next(
        (
            f", a common default ({n} s)"
            for n in _ROUND_WAITS
            if abs(middle - n * SECOND_NS) <= _SAME_WAIT_SHARE * n * SECOND_NS
        ),
        "",
    )
    return f" All {len(waits)} waits agree within 1 %: a timer of {wording.span(int(middle))}{near}."
