"""Rule client-bug-request: the request breaks the rules of HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange


_BROKEN = frozenset({400, 411, 505})
"""Statuses by which a server says that a message was not as HTTP wants it."""


def client_bug_request(failed: FailedExchange) -> Verdict | None:
    """A verdict where a request that breaks the rules of HTTP was answered as such."""
    request, response = failed.request, failed.exchange.response
    if response is None or response.status not in _BROKEN or not request.defects:
        return None
    return Verdict(
        code="client-bug-request",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault="client",
        certainty="proved" if failed.connection.decrypted else "likely",
        facts=f"The request breaks the rules of HTTP in {len(request.defects)} "
        f"way{'s' if len(request.defects) > 1 else ''} (plainwire show tells how), and the server said so "
        f"(status {response.status}).",
        evidence=(
            Evidence(request.packet, "the request with the defect"),
            Evidence(response.packet, f"the answer, status {response.status}"),
        ),
        runner_up="unsolicited-408: refuted, the answer acknowledges the request",
        retry_safe=False,
        time_ns=request.time_ns,
    )
