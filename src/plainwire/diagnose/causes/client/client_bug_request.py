"""Rule client-bug-request: the request breaks the rules of HTTP, and the server said so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence, Quoted

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.answered import Answered, AnsweredExchanges


_BROKEN = frozenset({400, 411, 414, 501, 505})
"""Statuses by which a server says that a message was not as HTTP wants it."""

_MOST_QUOTED = 3


def client_bug_request(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Requests that break the rules of HTTP and were answered as such, in any version."""
    return [
        _verdict(case)
        for case in exchanges.errors
        if case.response.status in _BROKEN and case.request.defects
    ]


def _verdict(case: Answered) -> Verdict:
    request, response, count = case.request, case.response, len(case.request.defects)
    return Verdict(
        code="client-bug-request",
        connection=case.connection,
        exchanges=(case.exchange.id,),
        fault="client",
        grounds=(Ground.SAID,),
        facts=f"The request breaks the rules of HTTP in {plurals.count(count, 'way')}, and the server said "
        f"so (status {response.status}).",
        evidence=(
            Evidence(request.packet, "the request with the defect"),
            Evidence(response.packet, f"the response, status {response.status}"),
        ),
        quotes=tuple(
            Quoted(request.packet, "what is wrong with it", text) for text in request.defects[:_MOST_QUOTED]
        ),
        runner_up="unsolicited-408: refuted, the response acknowledges the request",
        retry_safe=False,
        time_ns=request.time_ns,
    )
