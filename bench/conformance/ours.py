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
    family = _FAMILIES.get(exchange.protocol, exchange.protocol)
    ends = None if family == "http3" else (_end(connection, Side.CLIENT), _end(connection, Side.SERVER))
    back = None if ends is None else ends[::-1]
    stream = None if exchange.pushed else exchange.stream
    request = exchange.request
    if request is not None:
        kind, sender = f"{family}.request", ends
        if exchange.pushed:
            kind, sender = f"{family}.push_promise", back
        essence = f"{plain(request.method)} {plain(_target(request, family))}"
        frames = (request.packet, request.last_packet)
        yield Message(kind, essence, frames, sender, stream, _bodies(request), connection.id)
        if request.trailers and family != "http1":
            yield Message(f"{family}.trailers", "", frames, ends, stream, (), connection.id)
    answers = [*exchange.interim, *([exchange.response] if exchange.response else [])]
    for response in answers:
        frames = (response.packet, response.last_packet)
        essence = str(response.status)
        stream = exchange.stream
        yield Message(f"{family}.response", essence, frames, back, stream, _bodies(response), connection.id)
        if response.trailers and family != "http1":
            yield Message(f"{family}.trailers", "", frames, back, stream, (), connection.id)
    if exchange.websocket is not None:
        for frame in exchange.websocket.frames:
            yield _websocket(frame, connection)


def _websocket(frame: WebSocketFrame, connection: Connection) -> Message:
    ends = _end(connection, frame.side), _end(connection, frame.side.peer)
    essence = f"{frame.opcode} {'fin' if frame.fin else 'more'} {frame.size}"
    return Message("websocket.frame", essence, (frame.packet, frame.packet), ends, None, (), connection.id)


def _resets(connection: Connection) -> Iterator[Message]:
    for event in connection.events:
        if event.kind == "rst_stream":
            ends = _end(connection, event.side), _end(connection, event.side.peer)
            frames = (event.packet, event.packet)
            yield Message("http2.rst_stream", str(event.code), frames, ends, event.stream, (), connection.id)


def _target(request: Request, family: str) -> str:
    return "" if family != "http1" and request.method == "CONNECT" else request.target


def _end(connection: Connection, side: Side) -> str:
    one = connection.client if side is Side.CLIENT else connection.server
    return end(one.address, one.port)


def _bodies(message: Request | Response) -> tuple[Body, ...]:
    if not message.body:
        return ()
    return (Body(len(message.body), hashlib.sha256(message.body).hexdigest()),)
