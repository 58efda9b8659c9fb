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
OF_CONNECTION = frozenset(("goaway", "connection_close"))
"""Kinds of events by which an end speaks of the whole connection."""

COMPLAINTS = frozenset(
    ("PROTOCOL_ERROR", "FLOW_CONTROL_ERROR", "FRAME_SIZE_ERROR", "COMPRESSION_ERROR",
     "H3_GENERAL_PROTOCOL_ERROR", "H3_STREAM_CREATION_ERROR", "H3_CLOSED_CRITICAL_STREAM",
     "H3_FRAME_UNEXPECTED", "H3_FRAME_ERROR", "H3_ID_ERROR", "H3_SETTINGS_ERROR", "H3_MISSING_SETTINGS",
     "H3_MESSAGE_ERROR", "H3_DATAGRAM_ERROR", "QPACK_DECOMPRESSION_FAILED", "QPACK_ENCODER_STREAM_ERROR",
     "STREAM_LIMIT_ERROR", "STREAM_STATE_ERROR", "FINAL_SIZE_ERROR", "FRAME_ENCODING_ERROR",
     "TRANSPORT_PARAMETER_ERROR", "CONNECTION_ID_LIMIT_ERROR", "PROTOCOL_VIOLATION")
)  # fmt: skip
"""Codes by which a sender says that its peer broke a rule: RFC 9113 section 7, RFC 9114 section 8.1, RFC 9204
section 6, RFC 9000 section 20.1."""

GRPC_LIMIT = "ENHANCE_YOUR_CALM"
"""Of a gRPC client: its own status RESOURCE_EXHAUSTED (gRPC over HTTP2, "Errors"), a limit that the response
is above."""

GRPC_MESSAGE = 4 * 1024 * 1024
"""Bytes: what gRPC's libraries take as one message by default (gRPC core, Go, Java, Node)."""

_ACTED_ON = COMPLAINTS | {GRPC_LIMIT}


def complaints(connection: Connection) -> dict[int, StreamEvent]:
    """By the ids of exchanges: the client's first word that the response broke a rule, or a limit of gRPC's.

    What is said of the connection is about the exchange whose response broke one as far as it can be read,
    else about the one that the server had last sent something on.
    """
    found: dict[int, StreamEvent] = {}
    by_stream: dict[int | None, Exchange] | None = None
    for event in connection.events:
        if event.side != Side.CLIENT or event.name not in _ACTED_ON:
            continue
        if event.kind in _OF_STREAM:
            by_stream = by_stream or {e.stream: e for e in connection.exchanges if not e.pushed}
            about = by_stream.get(event.stream)
        elif event.kind in OF_CONNECTION:
            about = _latest(connection, event)
        else:
            continue
        if event.name == GRPC_LIMIT and (about is None or about.grpc is None):
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
