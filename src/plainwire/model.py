"""Every type that passes between rooms.

The corridor of the house: rooms import from here and never from each other. Columns (NumPy arrays,
one row a packet) below, objects from the message upward. Read-only by convention once handed over.

Conventions that hold everywhere:

* Times are integers, nanoseconds since the epoch (``*_ns``). Durations too.
* Packet numbers are 1-based, those that Wireshark shows for the file.
* ``Side.CLIENT`` is the side that opened the connection.
* Stream offsets count the bytes of one direction of a TCP connection from 0, the first byte after
  the SYN (RFC 9293 section 3.4). A SYN has offset -1; a FIN stands at the offset behind the last
  byte; an acknowledgment is the offset that its sender expects next from the other side. Where the
  capture began in mid-connection, offset 0 is the first byte that was seen.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Int64s = NDArray[np.int64]
    UInt32s = NDArray[np.uint32]
    UInt16s = NDArray[np.uint16]
    UInt8s = NDArray[np.uint8]


class UserError(Exception):
    """Misuse, or input that cannot be read: one line for the user, an exit code, no traceback."""

    def __init__(self, message: str, exit_code: int = 2) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Side(enum.IntEnum):
    """One of the two ends of a connection."""

    CLIENT = 0
    SERVER = 1

    @property
    def peer(self) -> Side:
        """The other end."""
        return Side(1 - self)


# --- capture -> packets ---------------------------------------------------------------------------


@dataclass(slots=True)
class PacketBatch:
    """Packets as they lie in a capture file: one row a packet, in file order.

    ``data`` holds the packets' bytes (and whatever lies between them in the file);
    ``offset`` and ``caplen`` say where. ``length`` is the length on the wire, which is more than
    ``caplen`` where the snap length cut a packet. ``link`` is the LINKTYPE_ number.
    """

    data: bytes = field(repr=False)
    number: Int64s
    time_ns: Int64s
    offset: Int64s
    caplen: Int64s
    length: Int64s
    link: Int64s


@dataclass(slots=True)
class SecretsBlock:
    """The key log text of a pcapng Decryption Secrets Block."""

    data: bytes = field(repr=False)


@dataclass(slots=True)
class CaptureNote:
    """What reading a capture file brought to light that is no packet: ``cut off in packet 17``."""

    text: str


@dataclass(slots=True)
class CaptureDrops:
    """Packets that the capturing kernel or program says it lost (``isb_ifdrop``)."""

    count: int


@dataclass(frozen=True, slots=True)
class CaptureEnd:
    """How a live capture went. ``dropped`` is None where the kernel did not say; ``trouble`` says what
    ended the capture too early (full disk, interface gone).
    """

    packets: int
    dropped: int | None
    trouble: str | None = None


CaptureItem = PacketBatch | SecretsBlock | CaptureNote | CaptureDrops


# --- packets -> streams ---------------------------------------------------------------------------


@dataclass(slots=True)
class SegmentBatch:
    """TCP segments, one row each, in file order. Payload lies in ``data`` at ``offset``.

    ``source`` and ``target`` number the endpoints (see ``endpoints``, one table a decoder, which
    only grows). ``captured`` is how much of the payload is there, ``length`` how much there was.
    """

    data: bytes = field(repr=False)
    number: Int64s
    time_ns: Int64s
    source: Int64s
    target: Int64s
    seq: Int64s
    ack: Int64s
    flags: Int64s
    window: Int64s
    ttl: Int64s
    ip_id: Int64s
    offset: Int64s
    captured: Int64s
    length: Int64s
    endpoints: list[Endpoint] = field(repr=False)


FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
"""TCP control bits (RFC 9293 section 3.1)."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An IP address and a TCP port."""

    address: str
    port: int

    def __str__(self) -> str:
        if ":" in self.address:
            return f"[{self.address}]:{self.port}"
        return f"{self.address}:{self.port}"


@dataclass(slots=True)
class Segments:
    """The last segments of one connection, one row each, in capture order: what the rules read.

    ``side`` is the sender (0 client, 1 server). ``seq`` and ``ack`` are stream offsets; ``ack`` is
    -1 where the ACK bit is not set. ``window`` is the field as sent, unscaled. ``ip_id`` is -1 for
    IPv6. At most ``streams.TAIL`` rows: the older ones of a long connection are gone.
    """

    number: Int64s
    time_ns: Int64s
    side: Int64s
    seq: Int64s
    ack: Int64s
    length: Int64s
    flags: Int64s
    window: Int64s
    ttl: Int64s
    ip_id: Int64s

    def __len__(self) -> int:
        return len(self.number)


@dataclass(frozen=True, slots=True)
class Gap:
    """Bytes of one direction that the capture does not hold although they were sent."""

    side: Side
    offset: int
    length: int
    packet: int
    """The packet at which the hole was noticed."""


# --- tls -------------------------------------------------------------------------------------------


@dataclass(slots=True)
class TlsInfo:
    """What the handshake said. Names as in RFC 8446 and IANA's registry (``TLS_AES_128_GCM_SHA256``)."""

    version: str | None = None  # "TLS 1.3"
    cipher_suite: str | None = None
    alpn: str | None = None
    server_name: str | None = None
    resumed: bool | None = None
    client_random: bytes = b""
    handshake_complete: bool = False


@dataclass(frozen=True, slots=True)
class Undecrypted:
    """Why records of one direction (or of both: ``side`` None) could not be read."""

    reason: str
    side: Side | None
    packet: int | None = None


CloseKind = Literal["close_notify", "alert", "fin", "rst"]


@dataclass(frozen=True, slots=True)
class CloseEvent:
    """One act of closing: a TLS alert (``close_notify``, or another: see ``detail``), a FIN, a RST.

    ``seq`` is the stream offset at which it stands; ``ack`` what its segment acknowledges of the
    other side's stream (None: no ACK bit). ``repeated`` marks retransmissions of the same FIN.
    """

    kind: CloseKind
    side: Side
    time_ns: int
    packet: int
    seq: int
    ack: int | None
    flags: int = 0
    ttl: int = 0
    ip_id: int = -1
    window: int = 0
    detail: str = ""
    repeated: bool = False


# --- http ------------------------------------------------------------------------------------------

Framing = Literal["none", "content-length", "chunked", "close", "tunnel", "unknown"]


@dataclass(slots=True)
class Request:
    """A request as it was on the wire. ``start`` and ``end`` are offsets in the client's TCP stream,
    rounded outward to whole TLS records: ``[start, end)`` is [s0, s1) of the rules.

    ``packet``/``time_ns`` belong to the first byte, ``last_packet``/``last_ns`` to the last seen one.
    ``defects`` say in words what breaks RFC 9112. ``body_digest`` is None for an empty body.
    """

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
    body: bytes | None = field(default=None, repr=False)

    @property
    def authority(self) -> str | None:
        """The Host field, or the authority of an absolute target (RFC 9112 section 3.2)."""
        if self.method == "CONNECT":
            return self.target
        scheme, separator, rest = self.target.partition("://")
        if separator and scheme.isalpha():
            return re.split("[/?#]", rest, maxsplit=1)[0]
        for name, value in self.headers:
            if name == "Host" or name.lower() == "host":
                return value
        return None


@dataclass(slots=True)
class Response:
    """A response as it was on the wire; fields as in ``Request``, offsets in the server's stream."""

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
    body: bytes | None = field(default=None, repr=False)


Outcome = Literal["complete", "unanswered", "truncated", "refused", "aborted", "unseen"]


@dataclass(slots=True)
class Exchange:
    """One request and what came back. ``request`` is None for a response that nothing asked for
    (it came before any request, RFC 9112 section 9.2), or whose request was not seen.

    ``idle_before``: from the last byte of the previous exchange on the connection, in either
    direction, to the first byte of this request; None for the first. ``ordinal`` counts from 1.

    Outcomes: ``complete``; ``unanswered``, the connection ended without a byte of response;
    ``truncated``, the response began and did not end; ``aborted``, the client ended the connection
    first; ``unseen``, the capture does not show how it ended (gap, end of capture, undecrypted).
    """

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


# --- the connection ---------------------------------------------------------------------------------


@dataclass(slots=True)
class ProgramConnection:
    """Which process a connection belongs to, from the program's own side."""

    pid: int
    thread: int
    command: str
    library: str | None = None


CloseWord = Literal["fin", "rst", "timeout", "open"]


@dataclass(slots=True)
class Connection:
    """One TCP connection, from its SYN to its last packet, and all that was learnt of it."""

    id: int
    client: Endpoint
    server: Endpoint
    first_packet: int
    opened_ns: int
    mid_stream: bool = False  # no SYN was seen
    roles_guessed: bool = False  # no SYN or SYN-ACK: who is the client was guessed
    last_packet: int = 0
    last_ns: int = 0
    packets: int = 0
    sizes: list[int] = field(default_factory=lambda: [0, 0])  # stream bytes by side
    retransmissions: list[int] = field(default_factory=lambda: [0, 0])  # segments by side
    rtt_syn_ns: int | None = None  # SYN to SYN-ACK
    established: bool = False
    tls: TlsInfo | None = None
    undecrypted: list[Undecrypted] = field(default_factory=list)
    decrypted: bool = False  # some application data could be read
    closes: list[CloseEvent] = field(default_factory=list)  # by time
    gaps: list[Gap] = field(default_factory=list)
    snapped: bool = False  # packets were cut by the snap length
    segments: Segments | None = field(default=None, repr=False)
    exchanges: list[Exchange] = field(default_factory=list, repr=False)
    application: str | None = None  # "http/1.1", or None where it was not recognised
    program: ProgramConnection | None = None

    @property
    def closed_by(self) -> Side | None:
        """The side that closed first, by alert, FIN or RST."""
        return self.closes[0].side if self.closes else None

    @property
    def close(self) -> CloseWord:
        """How the side that closed first did it on TCP's level (``timeout`` is not inferred yet)."""
        first = next((c for c in self.closes if c.kind in ("fin", "rst")), None)
        if first is None:
            return "open"
        return "rst" if first.kind == "rst" else "fin"


# --- the program's side ------------------------------------------------------------------------------


@dataclass(slots=True)
class ProgramEvents:
    """What ``program.jsonl`` says: see docs/architecture.md for its lines."""

    by_client_random: dict[bytes, ProgramConnection] = field(default_factory=dict)
    by_sockets: dict[tuple[str, str], list[tuple[int, ProgramConnection]]] = field(default_factory=dict)
    """(local, peer), as "ip:port", to the times (ns) of connect and the process."""
    command: list[str] = field(default_factory=list)
    exit_status: int | None = None
    notes: list[str] = field(default_factory=list)


# --- diagnose -> report -------------------------------------------------------------------------------

Fault = Literal["server", "client", "both", "path", "unknown"]
Certainty = Literal["proved", "likely", "possible"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One packet and what it shows."""

    packet: int
    says: str


@dataclass(slots=True)
class Finding:
    """One cause, established on one or more exchanges. Field meanings: docs/report.md."""

    code: str
    claim: str
    fault: Fault
    certainty: Certainty
    exchanges: list[int]
    connections: list[int]
    evidence: list[Evidence]
    refuted_by: str
    runner_up: str = ""  # the next best explanation and what refuted it
    retry_safe: bool | None = None
    advice_client: str = ""
    advice_server: str = ""
    references: list[str] = field(default_factory=list)

    @property
    def packets(self) -> list[int]:
        """The packets that the evidence cites, in order, each once."""
        return sorted({e.packet for e in self.evidence})


@dataclass(slots=True)
class ServerFacts:
    """What the traffic says about one server address."""

    address: Endpoint
    announces_close: bool | None = None
    software: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Coverage:
    """What was seen, and what was not."""

    packets: int = 0
    packets_dropped: int | None = None  # None: the capture does not say
    connections: int = 0
    decrypted: int = 0
    undecrypted: list[tuple[int, str]] = field(default_factory=list)  # connection, reason
    mid_stream: list[int] = field(default_factory=list)
    other_connections: int = 0  # of other processes: not in the report
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Report:
    """The whole answer."""

    coverage: Coverage
    connections: list[Connection]
    exchanges: list[Exchange]
    servers: list[ServerFacts]
    findings: list[Finding]
