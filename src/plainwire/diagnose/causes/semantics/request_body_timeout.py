"""Rule request-body-timeout: the server did not get the rest of the request in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose import wording
from plainwire.diagnose.evidence import opening
from plainwire.diagnose.evidence.acknowledgments import ack_at, last_ack
from plainwire.diagnose.evidence.closes import client_first
from plainwire.diagnose.evidence.defects import is_head_cut
from plainwire.diagnose.evidence.exchanges import ERROR_STATUS
from plainwire.diagnose.evidence.timers import usual_time
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.thresholds import LONG_NS
from plainwire.diagnose.traffic.copies import value
from plainwire.diagnose.verdict import Verdict
from plainwire.model import CloseEvent, Evidence, Side

if TYPE_CHECKING:
    from plainwire.diagnose.evidence.opening import Segment
    from plainwire.diagnose.traffic.answered import Answered, AnsweredExchanges
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import Fault, Response

_TIMEOUT = 408
"""RFC 9110 section 15.5.9."""
_UNHINDERED = 14_600
"""Bytes that any sender may send without an acknowledgment: ten segments (RFC 6928 section 2). Who is silent
behind fewer is so by itself."""
_EARLY_NS = 20_000_000
"""Servers read the clock once for all events of a turn (nginx), so that a timer may seem to fire early."""


def body_too_slow(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Requests that the server answered with 408: their body did not come, or not in time."""
    return [
        _body_timeout(case)
        for case in exchanges.errors
        if case.response.status == _TIMEOUT
        and not exchanges.retried_with_success(case)
        and (not case.request.complete or case.request.last_ns - case.request.time_ns >= LONG_NS)
    ]


def _body_timeout(case: Answered) -> Verdict:
    request, response = case.request, case.response
    short = not request.complete
    took = (request.last_ns if request.complete else response.time_ns) - request.time_ns
    fault: Fault = "client" if short else "unknown"
    missing = " Not even its header was complete." if is_head_cut(request) else ""
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


def head_given_up(failed: FailedExchange) -> Verdict | None:
    """A verdict where the server closed while the request's header was still coming: nobody had a request."""
    request, close, connection = failed.request, failed.server_close, failed.connection
    if failed.exchange.response is not None or close is None or not is_head_cut(request):
        return None
    if close.kind == "rst" or client_first(connection) is not None or connection.gaps:
        return None
    waited = close.time_ns - request.time_ns
    had = close.ack if close.ack is not None else last_ack(connection, Side.SERVER, close)
    if waited < LONG_NS - _EARLY_NS or had is None or had <= request.start:
        return None
    return Verdict(
        code="request-body-timeout",
        connection=connection,
        exchanges=(failed.exchange.id,),
        fault="client",
        grounds=(Ground.NUMBERS, Ground.INFERENCE),
        facts=f"The server closed ({wording.act(close)}) {wording.span(waited)} after the request's first "
        f"byte, while its header was still coming: {plurals.count(had - request.start, 'byte')} had arrived, "
        "and the empty line that ends it had not. It gives a header only so long.",
        evidence=(
            Evidence(request.packet, "the request's header begins"),
            Evidence(close.packet, f"{wording.act(close)} from the server, Ack={wording.number(had)}"),
        ),
        runner_up="close-mid-request: refuted, the server had no whole request",
        retry_safe=True,
        time_ns=request.time_ns,
        advice_client="Send the header in one piece: make all of it before the first byte is written.",
        advice_server="The limit for a header is there against clients that hold connections open (nginx "
        "client_header_timeout, Node.js server.headersTimeout, Go ReadHeaderTimeout, Apache "
        "RequestReadTimeout header, haproxy timeout http-request): raise it only for a path that is as slow.",
    )


def upload_paused(failed: FailedExchange) -> Verdict | None:
    """A verdict where the sender paused in the request's middle until the server ended it, and went on late.

    nginx closes then without a word, Go answers with what its handler says of the failed read.
    """
    request, response, connection = failed.request, failed.exchange.response, failed.connection
    close, left = failed.server_close, client_first(connection)
    if value(request, "expect") is not None:
        return None  # it waited to be told to go on (100-continue-stall)
    if response is not None:
        late = request.last_ns if request.complete else connection.last_ns
        if response.status < ERROR_STATUS or response.status == _TIMEOUT or response.time_ns >= late:
            return None
    end = response or close
    if end is None or (left is not None and left.time_ns <= end.time_ns) or connection.segments is None:
        return None
    sent = [
        row
        for row in opening.rows(connection.segments)
        if row.side == Side.CLIENT and row.length and row.time_ns < end.time_ns and row.end > request.start
    ]
    last = max(sent, key=lambda row: row.end, default=None)
    had = ack_at(connection, end.packet)
    if last is None or had is None or had < last.end or (request.complete and last.end >= request.end):
        return None
    quiet = end.time_ns - last.time_ns
    if quiet < LONG_NS - _EARLY_NS or last.end - request.start > _UNHINDERED:
        return None
    return _of_pause(failed, end, last, quiet)


def _of_pause(failed: FailedExchange, end: Response | CloseEvent, last: Segment, quiet: int) -> Verdict:
    request = failed.request
    did = f"closed ({wording.act(end)})" if isinstance(end, CloseEvent) else f"answered {end.status}"
    limits = (quiet, end.time_ns - request.time_ns)
    sent = plurals.count(last.end - request.start, "byte of the request")
    usual = next((u for waited in limits if (u := usual_time(waited, server=True)) is not None), None)
    like = "" if usual is None else f": this looks like a limit of {wording.seconds(usual)} of its own"
    return Verdict(
        code="request-body-timeout",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault="unknown",
        grounds=(Ground.NUMBERS, Ground.INFERENCE if usual is not None else Ground.GUESS),
        facts=f"The client had sent {sent} and then nothing for {wording.span(quiet)}, although "
        "the server had acknowledged all of them. Then the "
        f"server {did}, {wording.span(limits[1])} after the request had begun{like}. What the client sent "
        "afterwards came too late.",
        evidence=(
            Evidence(request.packet, "the request begins"),
            Evidence(last.packet, "the last of it before the pause"),
            Evidence(end.packet, f"the server {did}"),
        ),
        runner_up="a server that failed by itself: possible, the client's pause is beside it",
        retry_safe=True if failed.idempotent else None,
        time_ns=request.time_ns,
        advice_client="Send the request without pauses: have its body ready before it begins.",
        advice_server="Raise the limit for reading a request: nginx client_body_timeout (between two reads), "
        "Go ReadTimeout, Node.js server.requestTimeout, Apache RequestReadTimeout.",
    )
