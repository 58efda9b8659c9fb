"""Rule early-response-reset: the response came before the whole request had arrived; a reset followed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose import wording
from plainwire.diagnose.evidence.acknowledgments import last_ack
from plainwire.diagnose.evidence.captured import is_damaged
from plainwire.diagnose.evidence.defects import is_head_cut
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence, Side

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import CloseEvent


_REQUEST_TIMEOUT = 408
"""RFC 9110 section 15.5.9."""

_OF_A_LARGE_HEAD = frozenset((400, 413, 414, 431))
"""How servers answer a header that is too large for them (RFC 9110 section 15.5, RFC 6585 section 5)."""

_LARGE_HEAD_BYTES = 7_000
"""Servers' limits begin at 8 kB, of which they may have left the last part unread."""


def early_response_reset(failed: FailedExchange) -> Verdict | None:
    """A verdict where the server answered, did not take the rest of the request, and reset.

    A client that has noticed the response and closes first is safe: no reset can harm it then.
    """
    request, response = failed.request, failed.exchange.response
    if (
        response is None
        or not response.status
        or not _early(failed)
        or is_damaged(failed.connection, failed.exchange)
    ):
        return None
    reset = _reset_behind(failed, response.time_ns)
    if reset is None or failed.reset_origin(reset).fault == "path":
        return None
    had = last_ack(failed.connection, Side.SERVER, reset)
    if had is None or had <= request.start or (request.complete and had >= request.end):
        return None
    if _refuses_the_head(failed, had):
        return None
    if response.status == _REQUEST_TIMEOUT:
        return _too_slow(failed, reset, had)
    whole = "a complete response" if response.complete else "the beginning of a response"
    return Verdict(
        code="early-response-reset",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault="server",
        grounds=(Ground.NUMBERS, Ground.FLAG),
        facts=f"The server had {plurals.count(had - request.start, 'byte of a request')} of which "
        f"{_sent(failed)} when it wrote {whole} (status {response.status}); "
        f"{wording.span(reset.time_ns - response.time_ns)} later the connection was reset. A reset can "
        "destroy a response that has arrived and was not read: the program may have seen a broken pipe or a "
        "reset, and not the status.",
        evidence=_evidence(failed, reset),
        runner_up="reset-mid-request: refuted, a response came before the reset",
        retry_safe=None,
        time_ns=request.time_ns,
    )


def early_response_closed(failed: FailedExchange) -> Verdict | None:
    """The same on a connection with streams: a whole answer, and the server's close while the body came.

    A server that does not want the rest says so by RST_STREAM with NO_ERROR (RFC 9113 section 8.1).
    """
    request, response = failed.request, failed.exchange.response
    if response is None or not response.complete or request.complete or failed.exchange.reset is not None:
        return None
    close = failed.first_close
    if close is None or close.side != Side.SERVER or close.time_ns < response.last_ns:
        return None
    if is_damaged(failed.connection, failed.exchange) or _reset_behind(failed, response.time_ns) is None:
        return None
    return Verdict(
        code="early-response-reset",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault="server",
        grounds=(Ground.SAID, Ground.FLAG),
        facts=f"The server wrote a complete answer (status {response.status}) while the request's body was "
        f"still coming ({plurals.count(request.body_size, 'byte')} so far), did not say that it wants no "
        f"more (RST_STREAM with NO_ERROR), and closed the connection ({wording.act(close)}) "
        f"{wording.span(close.time_ns - response.last_ns)} later. The client's next write fails, so that the "
        "program may have seen that and not the status.",
        evidence=(
            Evidence(request.packet, "the request"),
            Evidence(response.packet, f"the answer, status {response.status}"),
            Evidence(close.packet, f"{wording.act(close)} from the server"),
            Evidence(request.last_packet, "the last that was sent of the request, incomplete"),
        ),
        runner_up="h2-close-without-goaway: the answer was complete, and only the upload was cut",
        retry_safe=None,
        time_ns=request.time_ns,
    )


def _too_slow(failed: FailedExchange, reset: CloseEvent, had: int) -> Verdict | None:
    """The server's limit for receiving a whole request ended it: 408, and the connection's end behind it."""
    request, response = failed.request, failed.exchange.response
    if response is None:
        return None
    waited = wording.span(response.time_ns - request.time_ns)
    what, whole = ("header", "a header") if is_head_cut(request) else ("body", "a whole request")
    return Verdict(
        code="request-body-timeout",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault="unknown",
        grounds=(Ground.SAID,),
        facts=f"The server answered 408 (Request Timeout) {waited} after the request had begun, while its "
        f"{what} was still coming ({had - request.start} bytes had arrived), and closed. Its limit for "
        f"receiving {whole} is shorter than this client takes.",
        evidence=_evidence(failed, reset),
        runner_up=f"an upload that stalled: refuted, the {what} was still coming when the response came",
        retry_safe=True,
        time_ns=request.time_ns,
        advice_client="Send the body faster or in parts; ask the server for more time."
        if what == "body"
        else "Send the header in one piece: make all of it before the first byte is written.",
        advice_server="Raise the limit for a header: Node.js server.headersTimeout, nginx "
        "client_header_timeout, Apache RequestReadTimeout header, haproxy timeout http-request."
        if what == "header"
        else "Raise the limit for a whole request: Node.js server.requestTimeout, nginx "
        "client_body_timeout (between two reads), Apache RequestReadTimeout, haproxy timeout "
        "http-request.",
    )


def _refuses_the_head(failed: FailedExchange, had: int) -> bool:
    """The server had enough of the header: that is about its size (header-growth-431), and no upload."""
    request, response = failed.request, failed.exchange.response
    if response is None or not (is_head_cut(request) or (request.complete and not request.body_size)):
        return False
    return response.status in _OF_A_LARGE_HEAD and had - request.start >= _LARGE_HEAD_BYTES


def _early(failed: FailedExchange) -> bool:
    response = failed.exchange.response
    return response is not None and (not failed.request.complete or response.time_ns < failed.request.last_ns)


def _reset_behind(failed: FailedExchange, since: int) -> CloseEvent | None:
    """The first RST of the server's after its response began, unless the client had closed before it."""
    for close in failed.connection.closes:
        if close.time_ns < since:
            continue
        if close.side == Side.CLIENT:
            return None
        if close.kind == "rst":
            return close
    return None


def _sent(failed: FailedExchange) -> str:
    request = failed.request
    if request.complete:
        return f"{request.end - request.start} were sent"
    return f"{request.end - request.start} were sent and more were to come"


def _evidence(failed: FailedExchange, reset: CloseEvent) -> tuple[Evidence, ...]:
    response = failed.exchange.response
    number = f"Seq={wording.number(reset.seq)}" + (
        "" if reset.ack is None else f", Ack={wording.number(reset.ack)}"
    )
    return (
        Evidence(failed.request.packet, "the request begins"),
        *(
            ()
            if response is None
            else (Evidence(response.packet, f"the response, status {response.status}"),)
        ),
        Evidence(failed.request.last_packet, "the last of the request that was seen"),
        Evidence(reset.packet, f"{wording.act(reset)} from the server, {number}"),
    )
