"""plainwire's reading of one capture, brought to the same form as the reference."""

from __future__ import annotations

import hashlib
import inspect
from typing import TYPE_CHECKING, Any

from conformance.message import Body, Message, end, plain
from plainwire import pipeline
from plainwire.model import Side

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance.reference import Capture
    from plainwire.model import Connection, Exchange, Report, Request, Response, WebSocketFrame

_FAMILIES = {"http/1.1": "http1", "h2": "http2", "h2c": "http2", "h3": "http3", "websocket": "http1"}


def analyze(capture: Capture) -> Report:
    """The report, with bodies."""
    more: dict[str, Any] = {}
    if "private_keys" in inspect.signature(pipeline.analyze).parameters:
        more["private_keys"] = capture.private_keys
    return pipeline.analyze([capture.path], capture.keys, keep_bodies=True, **more)


def decrypted(report: Report) -> int:
    """How many connections were read, counted as in the reference: those that ended in the handshake too.

    From the ServerHello on TLS 1.3 encrypts all.
    """
    return sum(
        connection.decrypted
        or (connection.tls is not None and connection.tls.version == "TLS 1.3" and not connection.undecrypted)
        for connection in report.connections
    )


def messages(report: Report) -> list[Message]:
    """Everything of the report that the reference has a kind for."""
    connections = {connection.id: connection for connection in report.connections}
    found = [
        message
        for exchange in report.exchanges
        for message in _exchange(exchange, connections[exchange.connection])
    ]
    return found + [message for connection in report.connections for message in _resets(connection)]


def _exchange(exchange: Exchange, connection: Connection) -> Iterator[Message]:
    ends = _end(connection, Side.CLIENT), _end(connection, Side.SERVER)
    if exchange.request is not None:
        yield from _request(exchange, exchange.request, ends)
    for response in (*exchange.interim, exchange.response):
        if response is not None:
            essence = str(response.status)
            yield from _parts(exchange, response, "response", essence, ends[::-1], exchange.stream)
    if exchange.websocket is not None:
        for frame in exchange.websocket.frames:
            yield _websocket(frame, connection)


def _request(exchange: Exchange, request: Request, ends: tuple[str, str]) -> Iterator[Message]:
    target = "" if exchange.stream is not None and request.method == "CONNECT" else request.target
    essence = f"{plain(request.method)} {plain(target)}"
    if exchange.pushed:
        yield from _parts(exchange, request, "push_promise", essence, ends[::-1], None)
    else:
        yield from _parts(exchange, request, "request", essence, ends, exchange.stream)


def _parts(
    exchange: Exchange,
    message: Request | Response,
    kind: str,
    essence: str,
    ends: tuple[str, str],
    stream: int | None,
) -> Iterator[Message]:
    """The message, and its trailers where the reference has them apart."""
    family = _FAMILIES.get(exchange.protocol, exchange.protocol)
    frames = (message.packet, message.last_packet)
    known = None if family == "http3" else ends  # the reference has no addresses of QUIC
    flaw = "; ".join(message.defects) or ("" if message.complete else "cut off")
    yield Message(f"{family}.{kind}", essence, frames, known, stream, _bodies(message), flaw)
    if message.trailers and family == "http2":
        yield Message("http2.trailers", "", frames, ends, stream)


def _websocket(frame: WebSocketFrame, connection: Connection) -> Message:
    ends = _end(connection, frame.side), _end(connection, frame.side.peer)
    essence = f"{frame.opcode} {'fin' if frame.fin else 'more'} {frame.size}"
    flaw = "" if frame.complete else "cut off"
    return Message("websocket.frame", essence, (frame.packet, frame.packet), ends, flaw=flaw)


def _resets(connection: Connection) -> Iterator[Message]:
    for event in connection.events:
        if event.kind == "rst_stream":
            ends = _end(connection, event.side), _end(connection, event.side.peer)
            frames = (event.packet, event.packet)
            yield Message("http2.rst_stream", str(event.code), frames, ends, event.stream)


def _end(connection: Connection, side: Side) -> str:
    one = connection.client if side is Side.CLIENT else connection.server
    return end(one.address, one.port)


def _bodies(message: Request | Response) -> tuple[Body, ...]:
    if not message.body:
        return ()
    return (Body(len(message.body), hashlib.sha256(message.body).hexdigest()),)
