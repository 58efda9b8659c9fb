"""Rule request-body-timeout: the server did not get the rest of the request in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose import wording
from plainwire.diagnose.evidence.acknowledgments import last_ack
from plainwire.diagnose.evidence.closes import client_first
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.thresholds import LONG_NS
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence, Side

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.answered import Answered, AnsweredExchanges
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import Fault

_TIMEOUT = 408
"""RFC 9110 section 15.5.9."""


def body_too_slow(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Requests that the server answered with 408: their body did not come, or not in time."""
    return [
        _body_timeout(case)
        for case in exchanges.errors
        if case.response.status == _TIMEOUT
        and not exchanges.mended(case)
        and (not case.request.complete or case.request.last_ns - case.request.time_ns >= LONG_NS)
    ]


def _body_timeout(case: Answered) -> Verdict:
    request, response = case.request, case.response
    short = not request.complete
    took = (request.last_ns if request.complete else response.time_ns) - request.time_ns
    fault: Fault = "client" if short else "unknown"
    missing = ""
    if short and request.declared_size is not None:
        missing = (
            f" It had sent {request.body_size} of the {plurals.count(request.declared_size, 'byte')} that it "
            "had declared for the body."
        )
    return Verdict(
        code="request-body-timeout",
        connection=case.connection,
        exchanges=(case.exchange.id,),
        fault=fault,
        grounds=(Ground.SAID,) if short else (Ground.GUESS,),
        facts="The server gave up waiting for the request (status 408) "
        f"{wording.span(response.time_ns - request.time_ns)} after its first byte; the client had spent "
        f"{wording.span(took)} on sending it.{missing}",
        evidence=(
            Evidence(request.packet, "the request begins"),
            Evidence(request.last_packet, "the last byte of it that was sent ahead of the response"),
            Evidence(response.packet, "the response, status 408"),
        ),
        runner_up="unsolicited-408: refuted, the server had the beginning of the request",
        retry_safe=True,
        time_ns=request.time_ns,
    )


def upload_given_up(failed: FailedExchange) -> Verdict | None:
    """A verdict where the server closed on a request whose sender had stopped in its middle."""
    request, close = failed.request, failed.server_close
    if request.complete or failed.exchange.response is not None or close is None:
        return None
    if client_first(failed.connection) is not None or request.declared_size is None:
        return None
    quiet = close.time_ns - request.last_ns
    had = close.ack if close.ack is not None else last_ack(failed.connection, Side.SERVER, close)
    if quiet < LONG_NS or had is None or had < request.end or request.body_size >= request.declared_size:
        return None
    return Verdict(
        code="request-body-timeout",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault="client",
        grounds=(Ground.NUMBERS,),
        facts=f"The client sent {request.body_size} of the {plurals.count(request.declared_size, 'byte')} "
        f"that it had declared for the request's body, and then nothing for {wording.span(quiet)}, although "
        f"the server had acknowledged all of them. Then the server closed ({wording.act(close)}).",
        evidence=(
            Evidence(request.packet, "the request begins"),
            Evidence(request.last_packet, "the last byte of it that was sent"),
            Evidence(close.packet, f"{wording.act(close)} from the server, Ack={wording.number(had)}"),
        ),
        runner_up="close-mid-request: refuted, the request was not complete",
        retry_safe=True,
        time_ns=request.time_ns,
    )
