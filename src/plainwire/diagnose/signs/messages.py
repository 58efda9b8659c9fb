"""Signs of HTTP: exchanges without a whole response, error statuses, defects that a receiver minded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose.evidence.acknowledgments import ack_at, acknowledges, last_ack
from plainwire.diagnose.evidence.as_the_client_saw import left_on_status
from plainwire.diagnose.evidence.captured import is_whole
from plainwire.diagnose.evidence.defects import own_defects
from plainwire.diagnose.evidence.ends import syns_of
from plainwire.diagnose.evidence.exchanges import ERROR_STATUS, SERVER_ERROR_STATUS
from plainwire.diagnose.thresholds import PATIENCE_NS
from plainwire.model import SPARE_COPY, Side

from .background import CREDENTIALS
from .kinds import sign

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.model import Connection, Exchange, Outcome, Request, Response, Sign

    from .background import Background

_OUTCOMES: dict[Outcome, str] = {
    "unanswered": "no-response",
    "truncated": "response-incomplete",
    "aborted": "exchange-aborted",
    "refused": "request-refused",
}
_OF_THE_APPLICATION = frozenset(
    (401, 402, 403, 404, 405, 406, 409, 410, 412, 415, 416, 418, 422, 423, 424, 428)
)
"""Statuses by which an application answers a request that it has read and understood."""
_SAFE = frozenset(("GET", "HEAD", "OPTIONS"))
"""Methods that people poll with (RFC 9110 section 9.2.1)."""
_NOT_IMPLEMENTED, _ALWAYS_KNOWN = 501, frozenset(("GET", "HEAD"))
"""RFC 9110 sections 15.6.2 and 9.1."""
_HAD_STATUS = "the client left when it had the status: the rest of the page was not wanted"
_CLOSED_IDLE = "a server that closes an idle connection may say so with a 408: nothing was asked on it then"
_REQUEST_TIMEOUT = 408
"""RFC 9110 section 15.5.9."""
_SWITCHING = 101
"""Switching Protocols (RFC 9110 section 15.2.2)."""
_NOT_OURS = ("not decoded", "not in the capture")
"""In what is said of codings that we do not know, of contents that are too large for us, and of holes."""


def signs(connection: Connection, background: Background) -> Iterator[Sign]:
    """Signs of one connection's exchanges."""
    before: Exchange | None = None
    whole = is_whole(connection)
    for exchange in connection.exchanges:
        request, response = exchange.request, exchange.response
        if request is None:
            if response is not None and whole and _unasked(connection, before, response):
                reason = _CLOSED_IDLE if _closed_idle(connection, exchange, response) else ""
                yield _sign("response-before-request", exchange, response.packet, harmless=reason)
            continue
        if exchange.outcome != "complete" or response is None:
            yield from _open(connection, background, exchange, request, whole=whole)
            continue
        if response.status >= ERROR_STATUS or (response.status == 0 and whole):
            yield from _status(connection, background, exchange)
        if response.defects or request.defects or response.content is not None or not request.complete:
            yield from _contents(exchange, request, response, whole=whole)
        if request.method == "CONNECT" or exchange.websocket is not None:
            pass
        elif response.status != _SWITCHING and _asks_for_websocket(request):
            yield _sign("upgrade-not-granted", exchange, response.packet)
        if before is not None and exchange.protocol == "http/1.1" and before.response is not None:
            yield from _too_early(connection, before, before.response, exchange)
        before = exchange
    yield from _not_taken(connection, background, before)


def _not_taken(connection: Connection, background: Background, last: Exchange | None) -> Iterator[Sign]:
    """A client that waited behind a whole response that it had, closed, and asked the same once more."""
    if last is None or connection.closed_by is not Side.CLIENT:
        return
    close, request, response = connection.closes[0], last.request, last.response
    if request is None or response is None or last.protocol != "http/1.1" or response.close_announced:
        return
    had = close.ack if close.ack is not None else last_ack(connection, Side.CLIENT, close)
    waited = close.time_ns - response.last_ns >= PATIENCE_NS
    if not waited or had is None or had < response.end:
        return
    if background.asked_again(connection.server, request, connection.id, from_ns=close.time_ns):
        reason = "who asks for the same at intervals looks just so" if request.method in _SAFE else ""
        yield _sign("response-not-taken", last, response.last_packet, close.packet, harmless=reason)


def _unasked(connection: Connection, before: Exchange | None, response: Response) -> bool:
    """Whether the server had no more of the client's bytes than the requests before when it sent this.

    A first request can stand in a SYN (RFC 7413), which must have been captured, and ahead of this.
    """
    if before is None and not any(s.packet < response.packet for s in syns_of(connection)[0]):
        return False
    asked = before.request.end if before is not None and before.request is not None else 0
    known = ack_at(connection, response.packet)
    return known is None or known <= asked


def _closed_idle(connection: Connection, exchange: Exchange, response: Response) -> bool:
    """Whether this is how the server closed a connection on which nothing was asked, before or after.

    RFC 9110 section 15.5.9: 408 tells that the server closes, and the client may ask on another connection.
    """
    asked = any(later.request is not None for later in connection.exchanges if later.id > exchange.id)
    return response.status == _REQUEST_TIMEOUT and not asked and connection.closed_by is Side.SERVER


def _sign(kind: str, exchange: Exchange, *packets: int, harmless: str = "", says: str = "") -> Sign:
    return sign(kind, exchange.connection, *packets, exchange=exchange.id, harmless=harmless, says=says)


def _open(
    connection: Connection, background: Background, exchange: Exchange, request: Request, *, whole: bool
) -> Iterator[Sign]:
    kind = _OUTCOMES.get(exchange.outcome)
    if kind is None or (exchange.protocol == "h3" and not whole):
        return
    last = exchange.response.last_packet if exchange.response is not None else request.last_packet
    reason = "a push that the client did not want" if exchange.pushed else ""
    if exchange.outcome == "aborted" and exchange.id in background.spare_copies:
        reason = SPARE_COPY
    if left_on_status(connection, exchange):
        reason = _HAD_STATUS
        yield from _status(connection, background, exchange)
    yield _sign(kind, exchange, request.packet, last, harmless=reason)


_EXPECTATION_FAILED = 417
"""A status: RFC 9110 section 15.5.18."""


def _status(connection: Connection, background: Background, exchange: Exchange) -> Iterator[Sign]:
    request, response = exchange.request, exchange.response
    if request is None or response is None:
        return
    status = response.status
    if status < ERROR_STATUS and status:
        return
    given = status in CREDENTIALS and background.granted_later(connection.server, request, status)
    reason = "credentials were asked for and then given" if given else ""
    says = f"a {'CONNECT' if request.method == 'CONNECT' else 'request'} was answered with status {status}"
    if not status:
        kind, says = "no-http-response", ""
    elif request.method == "CONNECT":
        kind = "connect-not-granted"
    else:
        kind = "status-5xx" if status >= SERVER_ERROR_STATUS else "status-4xx"
        if status == _EXPECTATION_FAILED:
            reason = reason or "the client had asked first whether to send its body"
        elif status == _NOT_IMPLEMENTED and request.method not in _ALWAYS_KNOWN:
            reason = reason or "the server's word that it does not know this method"
        elif status in _OF_THE_APPLICATION or _is_considered(response):
            reason = reason or "the application's answer to a request that it understood"
    yield _sign(kind, exchange, response.packet, harmless=reason, says=says)


def _is_considered(response: Response) -> bool:
    """Whether a 400 looks like an application's word on its own data: JSON, on a connection that goes on.

    Servers that cannot read a request send a page of their own and close (RFC 9112 section 9.6).
    """
    if response.status != ERROR_STATUS or response.close_announced:
        return False
    kind = next((value for name, value in response.headers if name.lower() == "content-type"), "")
    return "json" in kind.lower() or "protobuf" in kind.lower()


def _contents(exchange: Exchange, request: Request, response: Response, *, whole: bool) -> Iterator[Sign]:
    content = response.content
    if whole and content is not None and content.defect and not any(w in content.defect for w in _NOT_OURS):
        yield _sign("content-not-decodable", exchange, response.packet, response.last_packet)
    if own_defects(request) and response.status >= ERROR_STATUS:
        yield _sign("message-defect", exchange, request.packet, response.packet)
    minded = exchange.reset is not None and exchange.reset.side is Side.CLIENT and bool(exchange.reset.code)
    if own_defects(response) and minded:
        yield _sign("message-defect", exchange, response.packet)
    if whole and not request.complete and not exchange.pushed and response.status < ERROR_STATUS:
        yield _sign("request-incomplete", exchange, request.last_packet, response.packet)


def _asks_for_websocket(request: Request) -> bool:
    for name, value in request.headers:
        if len(name) == len("upgrade") and name.lower() == "upgrade" and value.lower() == "websocket":
            return True
    return False


def _too_early(
    connection: Connection, before: Exchange, answer: Response, exchange: Exchange
) -> Iterator[Sign]:
    """A request that left before the response to the one before it began."""
    request = exchange.request
    if request is None or before.request is None or answer.time_ns <= request.time_ns or answer.status == 0:
        return
    if acknowledges(connection, request.packet, answer.start) or request.start < before.request.start:
        return  # packets that changed places in the capture
    misled = any(interim.time_ns <= request.time_ns for interim in before.interim)
    sound = not misled and exchange.response is not None and exchange.response.time_ns >= request.last_ns
    reason = "pipelined requests (RFC 9112 section 9.3.2), each answered in its turn" if sound else ""
    yield _sign("request-too-early", exchange, request.packet, answer.packet, harmless=reason)
