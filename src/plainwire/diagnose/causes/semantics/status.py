"""What error statuses have in common: how a verdict on one is made, names, waits.

A status inside TLS is authenticated. What the program caused by itself (a 404, a 400) is no failure; and an
error after which the same request succeeded, as the status asks for it, is none either.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose.evidence.dates import date_ns
from plainwire.diagnose.evidence.exchanges import IDEMPOTENT
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.thresholds import SECOND_NS
from plainwire.diagnose.traffic.copies import value
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.answered import Answered
    from plainwire.model import Fault


TOO_LARGE, TOO_EARLY, MISDIRECTED, TOO_MANY, TOO_LARGE_HEADER = 413, 425, 421, 429, 431
"""RFC 9110 section 15.5.14, RFC 8470 section 5.2, RFC 9110 section 15.5.20, RFC 6585 sections 4 and 5."""

UNAVAILABLE, GATEWAY_TIMEOUT, CLOUDFLARE_TIMEOUT = 503, 504, 524
"""RFC 9110 sections 15.6.4 and 15.6.5; Cloudflare's own 524."""

FEWEST_REFUSED = 3
"""Refusals of one kind: fewer may be the requests' own."""

_MOST_DIGITS = 8
"""Of a Retry-After in s: more are three years."""


def status_verdict(
    code: str, case: Answered, facts: str, fault: Fault, runner_up: str, *, more: tuple[Evidence, ...] = ()
) -> Verdict:
    """A verdict on an exchange by the status of its response."""
    request, response = case.request, case.response
    return Verdict(
        code=code,
        connection=case.connection,
        exchanges=(case.exchange.id,),
        fault=fault,
        grounds=(Ground.SAID,),
        facts=facts,
        evidence=(
            Evidence(request.packet, "the request"),
            Evidence(response.packet, f"the response, status {response.status}"),
            *more,
        ),
        runner_up=runner_up,
        retry_safe=request.method in IDEMPOTENT,
        time_ns=request.time_ns,
    )


def host_of(case: Answered) -> str:
    """The name, or the address, that the request is for, without its port; "" where it names none."""
    host = (case.request.authority or "").rpartition("@")[2].lower()
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0].rstrip(".")


def for_another_name(case: Answered) -> bool:
    """Whether the request is for another name than its TLS connection (SNI)."""
    tls, host = case.connection.tls, host_of(case)
    if tls is None or not tls.server_name or not host:
        return False
    return host != tls.server_name.lower().rstrip(".")


def wait_ns(case: Answered) -> int | None:
    """What Retry-After asks for, in ns from the response."""
    text = value(case.response, "retry-after")
    if text is None:
        return None
    if text.strip().isascii() and text.strip().isdigit() and len(text.strip()) <= _MOST_DIGITS:
        return int(text) * SECOND_NS
    until = date_ns(text)
    return None if until is None else max(0, until - case.response.last_ns)
