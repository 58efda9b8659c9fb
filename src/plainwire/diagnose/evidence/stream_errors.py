"""Error codes of HTTP/2, HTTP/3 and QUIC: of whom they speak, and which exchange a client's is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.model import Side

if TYPE_CHECKING:
    from plainwire.model import Connection, Exchange, StreamEvent

OWN_FAILURES = frozenset(
    ("NO_ERROR", "INTERNAL_ERROR", "CANCEL", "CONNECT_ERROR", "SETTINGS_TIMEOUT",
     "H3_NO_ERROR", "H3_INTERNAL_ERROR", "H3_REQUEST_CANCELLED", "H3_CONNECT_ERROR")
)  # fmt: skip
"""Codes by which a sender speaks of itself; any other one accuses its peer."""

_OF_STREAM = frozenset(("rst_stream", "reset_stream", "stop_sending"))
_OF_CONNECTION = frozenset(("goaway", "connection_close"))
_NO_COMPLAINT = OWN_FAILURES | {
    "REFUSED_STREAM",
    "HTTP_1_1_REQUIRED",
    "APPLICATION_ERROR",
    "H3_REQUEST_REJECTED",
    "H3_VERSION_FALLBACK",
}


def complaints(connection: Connection) -> dict[int, StreamEvent]:
    """By the ids of exchanges: the client's first word that the server broke a rule in the response.

    What is said of the connection is about the exchange whose response broke one as far as it can be read,
    else about the one that the server had last sent something on.
    """
    found: dict[int, StreamEvent] = {}
    by_stream: dict[int | None, Exchange] | None = None
    for event in connection.events:
        if event.side != Side.CLIENT or not event.name or event.name in _NO_COMPLAINT:
            continue
        if event.name.startswith("CRYPTO_ERROR"):
            continue
        if event.kind in _OF_STREAM:
            by_stream = by_stream or {e.stream: e for e in connection.exchanges if not e.pushed}
            about = by_stream.get(event.stream)
        elif event.kind in _OF_CONNECTION:
            about = _latest(connection, event)
        else:
            continue
        if about is not None and about.response is not None and about.response.time_ns <= event.time_ns:
            found.setdefault(about.id, event)
    return found


def _latest(connection: Connection, event: StreamEvent) -> Exchange | None:
    begun = [
        e for e in connection.exchanges if e.response is not None and e.response.time_ns <= event.time_ns
    ]
    broken = [e for e in begun if e.response is not None and e.response.defects]
    return max(broken or begun, key=_last_ns, default=None)


def _last_ns(exchange: Exchange) -> int:
    return 0 if exchange.response is None else exchange.response.last_ns
