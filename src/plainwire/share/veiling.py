"""What QUIC connections said, for a report that is given away although their packets stay encrypted.

The packets of a bundle show nothing of it, so it is read with secrets that stay here, and what is secret in
it gives way to the same marks as in the packets of others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from plainwire.tls.keylog import TLS13_LABELS, KeyLog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from plainwire.model import Connection, Exchange, Report, Request, Response
    from plainwire.share.hiding import Hider


def secrets_of_quic(keys: KeyLog, connections: Iterable[Connection]) -> KeyLog:
    """The secrets of these connections, as far as they are of QUIC, and no others."""
    own = KeyLog()
    for connection in connections:
        if connection.transport == "quic" and connection.tls is not None:
            random = connection.tls.client_random
            for label in TLS13_LABELS:
                for secret in keys.secrets(label, random):
                    own.add(f"{label} {random.hex()} {secret.hex()}\n".encode())
    return own


def veil(report: Report, hider: Hider) -> None:
    """Put marks in the place of secrets in all that exchanges over QUIC said."""
    quic = {connection.id for connection in report.connections if connection.transport == "quic"}
    for connection in report.connections:
        if connection.id in quic:
            connection.events = [
                replace(e, detail=_text(hider.line, e.detail), said=_text(hider.line, e.said))
                for e in connection.events
            ]
    for exchange in report.exchanges:
        if exchange.connection in quic:
            _exchange(exchange, hider)


def _exchange(exchange: Exchange, hider: Hider) -> None:
    if exchange.request is not None:
        exchange.request.target = _text(hider.target, exchange.request.target)
        _message(exchange.request, hider)
    for message in (*exchange.interim, exchange.response):
        if message is not None:
            message.reason = _text(hider.line, message.reason)
            _message(message, hider)
    if exchange.grpc is not None:
        exchange.grpc.method = _text(hider.target, exchange.grpc.method)
        exchange.grpc.message = _text(hider.line, exchange.grpc.message)
    if exchange.websocket is not None:
        exchange.websocket.closes = [
            None if close is None else replace(close, reason=_text(hider.line, close.reason))
            for close in exchange.websocket.closes
        ]


def _message(message: Request | Response, hider: Hider) -> None:
    message.headers = [(name, _field(hider, name, value)) for name, value in message.headers]
    message.trailers = [(name, _field(hider, name, value)) for name, value in message.trailers]


def _field(hider: Hider, name: str, value: str) -> str:
    if name.lower() == ":path":
        return _text(hider.target, value)
    return _text(lambda data: hider.field(name, data), value)


def _text(hide: Callable[[bytes], bytes], value: str) -> str:
    """Texts off the wire have a byte in each character."""
    return hide(value.encode("latin-1", "replace")).decode("latin-1")
