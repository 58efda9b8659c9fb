"""Signs of HTTP/2, HTTP/3 and QUIC that are about streams or the whole connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.model import SPARE_COPY, Side

from .kinds import sign

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.model import Connection, Exchange, Sign, StreamEvent

    from .background import Background

_NO_ERROR = frozenset(("NO_ERROR", "H3_NO_ERROR", ""))
_CHANGES_OF_MIND = frozenset(("CANCEL", "H3_REQUEST_CANCELLED"))
_ENDS = frozenset(("rst_stream", "reset_stream", "stop_sending"))
_PATIENCE_NS = 1_000_000_000
"""An acknowledgment of a PING or of SETTINGS has come by then: it goes ahead of everything else, or is due as
soon as possible (RFC 9113 sections 6.7 and 6.5.3)."""
_ACKNOWLEDGMENT = "acknowledgment"


def signs(connection: Connection, background: Background) -> Iterator[Sign]:
    """Signs of one connection's events."""
    if not connection.events:
        return
    by_stream = {e.stream: e for e in connection.exchanges if e.stream is not None}
    for event in connection.events:
        if event.kind in _ENDS:
            yield from _stream(connection, background, event, by_stream.get(event.stream or 0))
        elif event.kind == "goaway" and event.name not in _NO_ERROR:
            yield sign("goaway-error", connection.id, event.packet, says=_says("GOAWAY", event))
        elif event.kind == "connection_close" and event.name not in _NO_ERROR and event.code:
            says = _says("CONNECTION_CLOSE", event)
            yield sign("connection-close-error", connection.id, event.packet, says=says)
    for close in connection.closes:
        if close.kind == "stateless_reset":
            yield sign("stateless-reset", connection.id, close.packet)
    if not (connection.gaps or connection.mid_stream or connection.undecrypted):
        yield from _acknowledgments(connection)


def _acknowledgments(connection: Connection) -> Iterator[Sign]:
    reason = ""
    if connection.exchanges and all(e.outcome == "complete" for e in connection.exchanges):
        reason = "every request was answered completely all the same"
    yield from _unanswered(connection, "ping", "ping-unanswered", "")
    if connection.quic is None:  # HTTP/3 acknowledges no SETTINGS
        yield from _unanswered(connection, "settings", "settings-unanswered", reason)


def _stream(
    connection: Connection, background: Background, event: StreamEvent, exchange: Exchange | None
) -> Iterator[Sign]:
    if event.name in _NO_ERROR:
        return
    whole = exchange is None or exchange.outcome == "complete" or exchange.pushed
    reason = ""
    if whole and event.side is Side.CLIENT and event.name in _CHANGES_OF_MIND:
        reason = "the client had no use for a stream whose response was whole"
    elif whole and event.side is Side.CLIENT and event.name == "STREAM_CLOSED":
        reason = "the stream was over: the client answers a frame that came behind its end"
    elif exchange is not None and event.name in _CHANGES_OF_MIND and _wants_no_more(exchange):
        reason = "the server wants no more of a request that it had answered completely"
    elif exchange is not None and exchange.outcome == "aborted" and exchange.id in background.spare_copies:
        reason = SPARE_COPY
    number = None if exchange is None else exchange.id
    says = _says(event.kind.upper(), event)
    yield sign("stream-reset", connection.id, event.packet, exchange=number, harmless=reason, says=says)


def _wants_no_more(exchange: Exchange) -> bool:
    """Whether only the rest of a request was cut off. NO_ERROR were right (RFC 9113 section 8.1); Jetty says
    CANCEL, and clients take the response.
    """
    request, response = exchange.request, exchange.response
    return exchange.outcome == "complete" and (
        request is not None and not request.complete and response is not None and response.complete
    )


def _says(frame: str, event: StreamEvent) -> str:
    return f"the {event.side.name.lower()} sent {frame} with {event.name}"


def _unanswered(connection: Connection, kind: str, name: str, harmless: str) -> Iterator[Sign]:
    """Frames that nothing acknowledged although the connection went on for a while."""
    own = [event for event in connection.events if event.kind == kind]
    for side in Side:
        asked = [e for e in own if e.side is side and e.detail != _ACKNOWLEDGMENT]
        answers = sum(e.side is side.peer and e.detail == _ACKNOWLEDGMENT for e in own)
        left = next(iter(asked[answers:]), None)
        if left is not None and connection.last_ns - left.time_ns >= _PATIENCE_NS:
            yield sign(name, connection.id, left.packet, harmless=harmless)
