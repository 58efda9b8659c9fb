"""What the object store does wrong, and when: a value that one process writes and another reads."""

from __future__ import annotations

import enum
import random

from msgspec import field

from plainwire.lab.argument import Argument


class Fault(enum.StrEnum):
    """One way to treat a request (or the idle time after its response)."""

    NONE = "none"
    RESET_MID_REQUEST = "reset-mid-request"
    """The whole request is read; then a reset in place of a response."""
    CLOSE_MID_REQUEST = "close-mid-request"
    """The whole request is read; then close_notify and FIN."""
    FIN_MID_REQUEST = "fin-mid-request"
    """The same without close_notify."""
    RESET_MID_RESPONSE = "reset-mid-response"
    """Half of the body, then a reset."""
    TRUNCATE = "truncate"
    """Half of the body that Content-Length declares, then close_notify and FIN."""
    TRUNCATE_SILENTLY = "truncate-silently"
    """The same without close_notify."""
    TRUNCATE_CHUNKED = "truncate-chunked"
    """One chunk of two, no last chunk, then close_notify and FIN."""
    TRUNCATE_CHUNKED_SILENTLY = "truncate-chunked-silently"
    """The same without close_notify."""
    ANNOUNCE_CLOSE = "announce-close"
    """A whole response with ``Connection: close``; one more request is read and then not answered."""
    SLOW = "slow"
    """A whole response, ``delay`` seconds late."""
    CLOSE_AFTER_RESPONSE = "close-after-response"
    """A whole response that announces nothing, then close_notify and FIN at once."""
    TRUNCATE_UNFRAMED = "truncate-unframed"
    """Half of a body that only the close ends, then FIN without close_notify."""
    EARLY_413 = "early-413"
    """413 as soon as the header is there; the body is not read, so that the close becomes a reset."""
    TOO_LARGE = "too-large"
    """413 when the whole request has been read: the client gets the answer."""
    CRASH = "crash"
    """All connections are reset at once and the server is away for ``delay`` seconds."""
    RATE_LIMIT = "rate-limit"
    """429 with ``Retry-After: 30``, to every request from this one on."""
    BAD_GATEWAY = "bad-gateway"
    """502 at once, as a load balancer answers whose own connection to the origin was closed."""
    UNAUTHORIZED = "unauthorized"
    """401 to a request whose credentials were good a moment ago."""
    MISDIRECTED = "misdirected"
    """421, as if the connection were for another name (RFC 9110 section 15.5.20)."""
    REDIRECT = "redirect"
    """302 to a place that is always the same."""
    OVERLOAD = "overload"
    """503 without a word about when to come again."""
    GATEWAY_TIMEOUT = "gateway-timeout"
    """504, ``delay`` seconds late."""
    EXCESS_BODY = "excess-body"
    """A body longer than its Content-Length."""
    DOUBLE_RESPONSE = "double-response"
    """Two whole responses to one request."""
    BAD_CHUNK = "bad-chunk"
    """A chunk whose size is no number."""
    CORRUPT_GZIP = "corrupt-gzip"
    """A gzip body whose checksum is wrong (RFC 1952 section 2.3.1)."""
    STALL = "stall"
    """Half of the body, a pause of ``delay`` seconds, the rest."""
    NO_CONTINUE = "no-continue"
    """A whole response, and no 100 before it; which it never writes, but here somebody asks for it."""
    EVENTS = "events"
    """A whole stream of events, with the closing one."""
    EVENTS_FAIL = "events-fail"
    """A stream of events with an error in its middle; HTTP's message is whole."""
    EVENTS_UNFINISHED = "events-unfinished"
    """A stream of events without its closing one; HTTP's message is whole."""
    EVENTS_SILENT = "events-silent"
    """Some events, ``delay`` seconds of silence, then close_notify and FIN: a limit of silence."""
    MISSING = "missing"
    """404, though it was written a moment ago: a copy that does not have it yet."""
    SKEWED = "skewed"
    """403 with a Date that is 20 minutes ahead, as to a signature that is too old by the server's clock."""
    FIREWALL = "firewall"
    """403 with a page for people, as something in front of the server writes it."""
    STOP_READING = "stop-reading"
    """A pause of ``delay`` seconds before the body of the request is read, with a small window."""


class StreamFault(enum.StrEnum):
    """One way to treat a request in HTTP/2, and what comes nearest in HTTP/3."""

    NONE = "none"
    REFUSE = "refuse-stream"
    """RST_STREAM with REFUSED_STREAM (RFC 9113 section 8.7); H3_REQUEST_REJECTED (RFC 9114 section 4.1.1)."""
    RESET = "reset-stream"
    """RST_STREAM with INTERNAL_ERROR."""
    HALF = "reset-stream-mid-response"
    """Half of the body, then the same."""
    SHORT = "short-body"
    """Half of the body that content-length declares, then END_STREAM."""
    GOAWAY_LEAVES_OUT = "goaway-leaves-out"
    """GOAWAY whose last stream is the one before, then the end (RFC 9113 section 6.8)."""
    GOAWAY_PROMISES = "goaway-promises"
    """GOAWAY that includes this stream, then the end without an answer."""
    GOAWAY_ACCUSES = "goaway-accuses"
    """GOAWAY with ENHANCE_YOUR_CALM, then the end; CONNECTION_CLOSE with H3_EXCESSIVE_LOAD."""
    GONE = "gone"
    """close_notify and FIN without GOAWAY; CONNECTION_CLOSE with H3_INTERNAL_ERROR."""
    CUT = "cut"
    """RST|ACK without GOAWAY; a stateless reset (RFC 9000 section 10.3)."""
    SLOW = "slow"
    """A whole response, ``delay`` seconds late."""


class SocketFault(enum.StrEnum):
    """One way to treat a WebSocket."""

    NONE = "none"
    """A message in either direction, and a Close frame with 1000."""
    SILENT = "silent"
    """A message, ``delay`` seconds of silence, then close_notify and FIN without a Close frame."""
    POLICY = "policy"
    """A Close frame with 1008 and a reason."""
    NO_PONG = "no-pong"
    """A PING, and the end without a Close frame ``delay`` seconds after it."""
    REFUSED = "upgrade-refused"
    """400 in place of 101, as a server answers that does not see the upgrade."""


class CallFault(enum.StrEnum):
    """One way to treat a gRPC call."""

    NONE = "none"
    UNAVAILABLE = "unavailable"
    """Status 14, and a message."""
    EXHAUSTED = "exhausted"
    """Status 8, with the sizes in the message."""
    OVERDUE = "overdue"
    """Status 4 when the deadline of the call (grpc-timeout) is over."""
    NO_STATUS = "no-status"
    """A response without trailers."""
    CUT = "cut"
    """Status 0 in the middle of a message."""
    TOO_MANY_PINGS = "too-many-pings"
    """GOAWAY with ENHANCE_YOUR_CALM, and status 14."""


class Manner(enum.StrEnum):
    """How an idle connection is closed."""

    CLOSE = "close"
    """close_notify and FIN."""
    FIN = "fin"
    """FIN alone."""
    RESET = "reset"
    """RST|ACK."""
    TIMEOUT_408 = "408"
    """A 408 response, as some load balancers write it, then close_notify and FIN."""


class Greeting(enum.StrEnum):
    """What is done to a ClientHello."""

    RESET = "reset"
    CLOSE = "close"
    """FIN."""
    ALERT = "alert"
    """The fatal alert internal_error, in clear text (RFC 8446 section 6.2)."""
    STALL = "stall"
    """Nothing, until the client goes."""
    PLAINTEXT = "plaintext"
    """An HTTP response without TLS."""


class Behaviour(Argument, frozen=True):
    """How the object store behaves. All times in seconds.

    ``schedule`` names faults by request number, counted from 1 over all connections. ``fault`` strikes
    any other request with ``probability``, drawn from a generator seeded with ``seed``, so that a
    run can be had again.
    """

    schedule: dict[int, Fault] = field(default_factory=dict)
    streams: dict[int, StreamFault] = field(default_factory=dict)
    """The same for HTTP/2 and HTTP/3."""
    sockets: dict[int, SocketFault] = field(default_factory=dict)
    """The same for WebSockets, by their number from 1."""
    calls: dict[int, CallFault] = field(default_factory=dict)
    """The same for calls of gRPC."""
    congestion_control: str = ""
    """That of its TCP (tcp(7), TCP_CONGESTION): ``reno``; empty: the kernel's own."""
    max_streams: int = 0
    """SETTINGS_MAX_CONCURRENT_STREAMS; 0: the library's own."""
    fault: Fault = Fault.NONE
    probability: float = 0.0
    seed: int = 1
    idle_timeout: float = 60.0
    idle_manner: Manner = Manner.CLOSE
    max_requests: int = 0
    """Requests on one connection, after which it is closed; 0: any number."""
    announce: bool = True
    """Whether the last of ``max_requests`` responses says ``Connection: close``."""
    hint: int = 0
    """Seconds of ``Keep-Alive: timeout=`` in every response; 0: none."""
    max_age: float = 0.0
    """Age at which a connection is closed when it is idle; 0: any age."""
    reload_at: float = 0.0
    """Seconds after the first request at which all idle connections are closed; 0: never."""
    greetings: dict[int, Greeting] = field(default_factory=dict)
    """What is done to a ClientHello, by connection number from 1."""
    body_size: int = 1024
    """Bytes of a response."""
    head_limit: int = 65536
    """Bytes of a request's header; one that has more is answered with 431."""
    body_timeout: float = 30.0
    """How long the rest of a request's body is waited for; then 408, and the end."""
    send_timeout: float = 30.0
    """How long a client may take nothing of a response; then a reset."""
    broken: str = ""
    """The target of which every request is answered with 500."""
    delay: float = 0.0
    tls: str | None = None
    """"1.2" or "1.3"; None: the best that both ends have."""

    def faults(self) -> _Faults:
        """The faults of one run of the server, in the order of its requests."""
        return _Faults(self)


class _Faults:
    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._random = random.Random(behaviour.seed)  # noqa: S311  (a lab, not a secret)
        self._number = 0

    def next(self) -> tuple[int, Fault]:
        """The number of the next request, and what is to be done to it."""
        self._number += 1
        drawn = self._random.random() < self._behaviour.probability
        planned = self._behaviour.fault if drawn else Fault.NONE
        return self._number, self._behaviour.schedule.get(self._number, planned)
