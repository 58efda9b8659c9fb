"""Signs of HTTP/2, HTTP/3 and QUIC that are about streams or the whole connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.model import Side

from .kinds import sign

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.model import Connection, Exchange, Sign, StreamEvent

_NO_ERROR = frozenset(("NO_ERROR", "H3_NO_ERROR", ""))
_CHANGES_OF_MIND = frozenset(("CANCEL", "H3_REQUEST_CANCELLED"))
_ENDS = frozenset(("rst_stream", "reset_stream", "stop_sending"))
_PING_PATIENCE_NS = 1_000_000_000
"""An acknowledgment of a PING has come by then: it goes ahead of everything else (RFC 9113 section 6.7)."""


def signs(connection: Connection) -> Iterator[Sign]:
    """Signs of one connection's events."""
    if not connection.events:
        return
    by_stream = {e.stream: e for e in connection.exchanges if e.stream is not None}
    for event in connection.events:
        if event.kind in _ENDS:
            yield from _stream(connection, event, by_stream.get(event.stream or 0))
        elif event.kind == "goaway" and event.name not in _NO_ERROR:
            yield sign("goaway-error", connection.id, event.packet, says=_says("GOAWAY", event))
        elif event.kind == "connection_close" and event.name not in _NO_ERROR and event.code:
            says = _says("CONNECTION_CLOSE", event)
            yield sign("connection-close-error", connection.id, event.packet, says=says)
    for close in connection.closes:
        if close.kind == "stateless_reset":
            yield sign("stateless-reset", connection.id, close.packet)
    yield from _pings(connection)


def _stream(connection: Connection, event: StreamEvent, exchange: Exchange | None) -> Iterator[Sign]:
    if event.name in _NO_ERROR:
        return
    whole = exchange is None or exchange.outcome == "complete" or exchange.pushed
    reason = ""
    if whole and event.side is Side.CLIENT and event.name in _CHANGES_OF_MIND:
        reason = "the client had no use for a stream whose response was whole"
    elif whole and event.side is Side.CLIENT and event.name == "STREAM_CLOSED":
        reason = "the stream was over: the client answers a frame that came behind its end"
    number = None if exchange is None else exchange.id
    says = _says(event.kind.upper(), event)
    yield sign("stream-reset", connection.id, event.packet, exchange=number, harmless=reason, says=says)


def _says(frame: str, event: StreamEvent) -> str:
    return f"the {event.side.name.lower()} sent {frame} with {event.name}"


def _pings(connection: Connection) -> Iterator[Sign]:
    """PINGs that nothing acknowledged although the connection went on for a while (RFC 9113 section 6.7)."""
    if connection.gaps or connection.mid_stream or connection.undecrypted:
        return
    for side in Side:
        asked = [e for e in connection.events if e.kind == "ping" and e.side is side and not e.detail]
        answers = sum(e.kind == "ping" and e.side is side.peer and bool(e.detail) for e in connection.events)
        for event in asked[answers:]:
            if connection.last_ns - event.time_ns >= _PING_PATIENCE_NS:
                yield sign("ping-unanswered", connection.id, event.packet)
                break
