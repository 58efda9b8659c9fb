"""Signs of what HTTP carries: gRPC calls, WebSockets and event streams, by their own measure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose.evidence.captured import is_whole
from plainwire.diagnose.evidence.websocket_end import first_close_frame

from .kinds import sign

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.model import Connection, EventStream, Exchange, Grpc, Sign, WebSocket

_ORDERLY = frozenset((1000, 1001, 1005))
"""Normal closure, going away, no status: RFC 6455 section 7.4.1."""
_OK = 200
"""HTTP's other statuses speak for themselves (gRPC over HTTP2, "Responses")."""
_PATIENCE_NS = 1_000_000_000
"""A PONG that has not come by then is late (RFC 6455 section 5.5.3 wants it as soon as is practical)."""


def signs(connection: Connection) -> Iterator[Sign]:
    """Signs of one connection's calls, WebSockets and event streams."""
    for exchange in connection.exchanges:
        response = exchange.response
        if exchange.grpc is not None:
            yield from _call(connection, exchange, exchange.grpc)
        if exchange.websocket is not None and exchange.request is not None:
            yield from _websocket(connection, exchange, exchange.websocket)
        if response is not None and response.event_stream is not None:
            yield from _events(connection, exchange, response.event_stream)


def _call(connection: Connection, exchange: Exchange, call: Grpc) -> Iterator[Sign]:
    response = exchange.response
    if response is None or exchange.outcome != "complete":
        return
    if call.status:
        says = f"a gRPC call ended with status {call.status_name}"
        yield _sign("grpc-status", exchange, call.status_packet, says=says)
    elif call.status is None and response.status == _OK and call.kind == "grpc" and is_whole(connection):
        yield _sign("grpc-no-status", exchange, response.last_packet)
    elif call.status == 0 and call.missing and is_whole(connection):
        yield _sign("grpc-message-cut", exchange, call.status_packet)


def _websocket(connection: Connection, exchange: Exchange, websocket: WebSocket) -> Iterator[Sign]:
    wrong = [close for close in websocket.closes if close is not None and close.code not in _ORDERLY]
    if wrong:
        says = f"a WebSocket was closed with code {wrong[0].code}"
        yield _sign("websocket-close-code", exchange, *(close.packet for close in wrong), says=says)
    if not connection.closes or not is_whole(connection):
        return
    if first_close_frame(connection, exchange) is None:
        yield _sign("websocket-no-close-frame", exchange, connection.closes[0].packet)
    unanswered = [ping for ping in websocket.pings if ping.pong_packet is None]
    if unanswered and connection.last_ns - unanswered[0].time_ns >= _PATIENCE_NS:
        yield _sign("websocket-ping-unanswered", exchange, *(ping.packet for ping in unanswered))


def _events(connection: Connection, exchange: Exchange, stream: EventStream) -> Iterator[Sign]:
    if stream.error_packet is not None:
        yield _sign("event-stream-error", exchange, stream.error_packet)
    elif stream.dialect and stream.closing_packet is None and exchange.outcome == "complete":
        last = 0 if exchange.response is None else exchange.response.last_packet
        if is_whole(connection):
            yield _sign("event-stream-unfinished", exchange, last)


def _sign(kind: str, exchange: Exchange, *packets: int, says: str = "") -> Sign:
    return sign(kind, exchange.connection, *packets, exchange=exchange.id, says=says)
