"""Messages, and exchanges: one request and what came back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field

from plainwire.model.base import Discreet

if TYPE_CHECKING:
    from plainwire.model.base import Side

Framing = Literal["none", "content-length", "chunked", "close", "tunnel", "stream", "unknown"]
"""``stream``: by the end of an HTTP/2 or HTTP/3 stream."""

Text = tuple[bytes, int, int]
"""Plain text, and where in the TCP (or QUIC) stream what carried it begins and ends."""


class Content(Struct):
    """What undoing the content codings (RFC 9110 section 8.4) of a body gave.

    ``decoded_size`` counts what could be decoded; ``defect`` names what is wrong: corrupt at byte n,
    cut before its end, an unknown coding, more than the limit.
    """

    codings: list[str]
    decoded_size: int = 0
    complete: bool = False
    defect: str = ""

    @property
    def cut(self) -> bool:
        """Whether the defect is that the coded body ends before its own format says so."""
        return self.defect.endswith("ends before its end")


class StreamEvent(Struct, frozen=True):
    """What HTTP/2, HTTP/3 or QUIC say of a stream or of the whole connection, beside messages.

    ``kind`` is the frame's name in lower case (``goaway``, ``rst_stream``, ``reset_stream``,
    ``stop_sending``, ``settings``, ...), ``code`` an error code and ``name`` its registered name;
    ``last_stream`` is that of a GOAWAY. ``stream`` is None where the whole connection is meant. ``said`` is
    what the sender wrote in words, as on the wire: a GOAWAY's debug data, a CONNECTION_CLOSE's reason phrase.
    """

    kind: str
    side: Side
    time_ns: int
    packet: int
    stream: int | None = None
    code: int | None = None
    name: str = ""
    last_stream: int | None = None
    detail: str = ""
    said: str = ""


class WebSocketFrame(Struct, frozen=True):
    """One frame (RFC 6455 section 5.2). ``size`` is that of the payload on the wire."""

    side: Side
    opcode: int
    fin: bool
    rsv: int
    masked: bool
    size: int
    packet: int
    time_ns: int
    complete: bool = True


class WebSocketClose(Discreet, Struct, frozen=True):
    """A Close frame (RFC 6455 section 5.5.1). ``code`` is 1005 where it has none; ``reason`` as it was."""

    unshown = ("reason",)

    code: int
    reason: str
    packet: int
    time_ns: int


class WebSocketPing(Struct, frozen=True):
    """A PING, and the first PONG that answers it or a later one (RFC 6455 section 5.5.3); None without."""

    side: Side
    packet: int
    time_ns: int
    pong_packet: int | None = None
    pong_ns: int | None = None


class WebSocketMessage(Discreet, Struct, frozen=True):
    """A whole message of text or of bytes, decompressed. Packet and time are those of its first frame."""

    unshown = ("data",)

    side: Side
    opcode: int
    packet: int
    time_ns: int
    data: bytes


class WebSocket(Discreet, Struct):
    """What an exchange that became a WebSocket carried. ``frames`` holds the first ones, ``counts`` all,
    by side. ``close_codes`` by side (RFC 6455 section 7.4), None where no Close frame was seen.
    """

    unshown = ("frames", "kept")

    frames: list[WebSocketFrame] = field(default_factory=list)
    counts: list[int] = field(default_factory=lambda: [0, 0])
    messages: list[int] = field(default_factory=lambda: [0, 0])
    sizes: list[int] = field(default_factory=lambda: [0, 0])
    """Of payloads by side; of compressed messages their size after decompression, once they are whole."""
    close_codes: list[int | None] = field(default_factory=lambda: [None, None])
    compressed: bool = False
    defects: list[str] = field(default_factory=list)
    violations: list[int] = field(default_factory=lambda: [0, 0])
    """How often each side broke the protocol, by side; other defects are the capture's."""
    closes: list[WebSocketClose | None] = field(default_factory=lambda: [None, None])
    """The first Close frame of each side, once it is whole."""
    last: list[WebSocketFrame | None] = field(default_factory=lambda: [None, None])
    """The last frame of each side."""
    largest: list[int] = field(default_factory=lambda: [0, 0])
    """The largest message of each side, in bytes, measured as in ``sizes``."""
    longest_pause_ns: int = 0
    """The longest time without a frame of either side, up to the last frame."""
    pings: list[WebSocketPing] = field(default_factory=list)
    """The last ones of both sides, by time."""
    kept: list[WebSocketMessage] = field(default_factory=list)
    """The first messages, by their ends, where bodies are kept; what was too much is not in it."""
    ended: list[StreamEvent | None] = field(default_factory=lambda: [None, None])
    """Where it runs on a stream of HTTP/2: how each side ended that stream in order (END_STREAM)."""


_GRPC_STATUSES = (
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
    "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE",
    "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
)  # fmt: skip


class Grpc(Discreet, Struct):
    """A gRPC call: ``status`` and ``message`` as the trailers give them, messages counted by side.

    ``kind`` is ``grpc``, ``grpc-web`` or ``grpc-web-text``, whose messages are not counted. ``timeout_ns``
    is the client's own limit (``grpc-timeout``). ``status_packet`` and ``status_ns`` tell where the status
    stands; ``largest`` is the size of each side's largest message, in bytes, as its prefix announces it.
    ``missing``: bytes of the server's last message that had not come when its status came; ``compressed``:
    how many of the server's messages have the flag for that.
    """

    unshown = ("message",)

    method: str
    status: int | None = None
    message: str = ""
    messages: list[int] = field(default_factory=lambda: [0, 0])
    kind: str = "grpc"
    timeout_ns: int | None = None
    status_packet: int = 0
    status_ns: int = 0
    largest: list[int] = field(default_factory=lambda: [0, 0])
    missing: int = 0
    compressed: int = 0

    @property
    def status_name(self) -> str:
        """The status by its name; one that is not registered as a number; "" without a status."""
        if self.status is None:
            return ""
        return _GRPC_STATUSES[self.status] if self.status < len(_GRPC_STATUSES) else str(self.status)


class EventStream(Discreet, Struct):
    """What a ``text/event-stream`` (WHATWG HTML section 9.2) said of itself.

    ``dialect`` names the protocol that is spoken in it, where its events tell and where it has a closing
    event; "" elsewhere. ``closing_packet`` is that of the closing event, ``error_packet`` that of the first
    event that reports an error, whose words are ``error``. ``heartbeats``: comments and ``ping`` events.
    ``last_ns``: when the last of its bytes came; ``longest_pause_ns``: the longest time between two parts.
    """

    unshown = ("error",)

    events: int = 0
    heartbeats: int = 0
    dialect: str = ""
    closing_packet: int | None = None
    closing_ns: int = 0
    error_packet: int | None = None
    error_ns: int = 0
    error: str = ""
    last_ns: int = 0
    longest_pause_ns: int = 0


class Request(Discreet, Struct):
    """A request as it was on the wire. ``start`` and ``end`` are offsets in the client's TCP stream,
    rounded outward to whole TLS records: ``[start, end)`` is [s0, s1) of the rules. A pushed request
    stands in the server's stream. In HTTP/3 they are those of the QUIC stream.

    ``packet``/``time_ns`` belong to the first byte, ``last_packet``/``last_ns`` to the last seen one.
    ``defects`` say in words what breaks RFC 9112. ``body_digest`` is None for an empty body.
    """

    unshown = ("body",)

    method: str
    target: str
    version: str
    headers: list[tuple[str, str]]
    start: int
    end: int
    packet: int = 0
    last_packet: int = 0
    time_ns: int = 0
    last_ns: int = 0
    body_size: int = 0
    complete: bool = False
    framing: Framing = "none"
    declared_size: int | None = None
    close_announced: bool = False
    body_digest: int | None = None
    trailers: list[tuple[str, str]] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)
    content: Content | None = None
    for_websocket: bool = False  # it asks for a WebSocket (RFC 6455 section 4.1, RFC 8441 section 5)
    body: bytes | None = None

    @property
    def authority(self) -> str | None:
        """``:authority``, the Host field, or the authority of an absolute target (RFC 9112 section 3.2)."""
        if self.headers and self.headers[0][0][:1] == ":":
            named = dict(reversed(self.headers)).get(":authority")
            if named is not None:
                return named
        if self.method == "CONNECT":
            return self.target
        scheme, separator, rest = self.target.partition("://")
        if separator and scheme.isalpha():
            return re.split("[/?#]", rest, maxsplit=1)[0]
        for name, value in self.headers:
            if name == "Host" or name.lower() == "host":
                return value
        return None


class Response(Discreet, Struct):
    """A response as it was on the wire; fields as in ``Request``, offsets in the server's stream.

    ``longest_pause_ns``: the longest time between two parts of it, in HTTP/2 and HTTP/3; in HTTP/1 the
    segments tell. ``whole_at``: time (ns) and packet of the last byte that content-length announced, in
    HTTP/2 and HTTP/3, where the end of the stream may follow in a frame of its own.
    """

    unshown = ("body",)

    status: int
    reason: str
    version: str
    headers: list[tuple[str, str]]
    start: int
    end: int
    packet: int = 0
    last_packet: int = 0
    time_ns: int = 0
    last_ns: int = 0
    body_size: int = 0
    complete: bool = False
    framing: Framing = "none"
    declared_size: int | None = None
    close_announced: bool = False
    trailers: list[tuple[str, str]] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)
    content: Content | None = None
    event_stream: EventStream | None = None
    longest_pause_ns: int = 0
    whole_at: tuple[int, int] | None = None
    body: bytes | None = None

    @property
    def closing_event_came(self) -> bool:
        """Whether a stream of events is over by its own protocol: a client that then leaves has all of it."""
        return self.event_stream is not None and self.event_stream.closing_packet is not None

    @property
    def events(self) -> int | None:
        """How many events came, of a ``text/event-stream``; None of anything else."""
        return None if self.event_stream is None else self.event_stream.events


Outcome = Literal["complete", "unanswered", "truncated", "refused", "aborted", "unseen"]


class Exchange(Discreet, Struct):
    """One request and what came back. ``request`` is None for a response that nothing asked for
    (it came before any request, RFC 9112 section 9.2), or whose request was not seen.

    ``idle_before``: from the last byte of the previous exchange on the connection, in either
    direction, to the first byte of this request; None for the first. ``ordinal`` counts from 1.

    Outcomes: ``complete``; ``unanswered``, the connection ended without a byte of response;
    ``truncated``, the response began and did not end; ``aborted``, the client ended the connection
    first; ``refused``, the server said that it did not process the request (RFC 9113 section 8.7,
    RFC 9114 section 4.1.1); ``unseen``, the capture does not show how it ended (gap, end of capture,
    undecrypted).
    """

    unshown = ("via",)

    id: int
    connection: int
    ordinal: int
    request: Request | None
    response: Response | None
    outcome: Outcome
    idle_before_ns: int | None = None
    duration_ns: int | None = None
    interim: list[Response] = field(default_factory=list)  # 1xx
    protocol: str = "http/1.1"
    stream: int | None = None
    pushed: bool = False
    reset: StreamEvent | None = None  # of the stream, by either side
    via: Exchange | None = None  # the CONNECT or Upgrade that it came through
    websocket: WebSocket | None = None
    grpc: Grpc | None = None
    stopped: bool = False
    """Whether it was under way when the program was stopped: how it would have ended is ``unseen``."""
