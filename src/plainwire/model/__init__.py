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

from typing import TYPE_CHECKING

from plainwire.model.base import Discreet, NoRightError, Side, UserError
from plainwire.model.bugs import Bug, Bugs
from plainwire.model.capture import (
    CaptureDrops,
    CaptureEnd,
    CaptureItem,
    CaptureNote,
    PacketBatch,
    SecretsBlock,
)
from plainwire.model.connection import CloseWord, Connection, Tunnel
from plainwire.model.dns import Lookup
from plainwire.model.http import (
    Content,
    EventStream,
    Exchange,
    Framing,
    Grpc,
    Outcome,
    Request,
    Response,
    StreamEvent,
    Text,
    WebSocket,
    WebSocketClose,
    WebSocketFrame,
    WebSocketMessage,
    WebSocketPing,
)
from plainwire.model.program import (
    KernelReset,
    Killed,
    Process,
    ProgramConnection,
    ProgramEvents,
    RunningTest,
    Saying,
    SocketClose,
    SocketError,
    Testimony,
    Unreached,
    Words,
)
from plainwire.model.quic import QuicInfo
from plainwire.model.report import (
    HARMLESS,
    IDLE_RESET,
    SPARE_COPY,
    Attempts,
    Bounds,
    Certainty,
    Clock,
    Contrast,
    Coverage,
    DangerBand,
    Evidence,
    Fault,
    Finding,
    NamedSetting,
    Need,
    Quoted,
    Report,
    ResetFlavour,
    ServerFacts,
    Sign,
)
from plainwire.model.tls import Afterwards, AfterwardsKind, Certificate, Reused, TlsInfo, Undecrypted
from plainwire.model.transport import (
    ACK,
    CWR,
    ECE,
    FIN,
    PSH,
    RST,
    SYN,
    CloseEvent,
    CloseKind,
    DatagramBatch,
    Endpoint,
    Gap,
    IcmpError,
    SegmentBatch,
    Syn,
    SynOptions,
)

if TYPE_CHECKING:
    from plainwire.model.base import Int64s as Int64s
    from plainwire.model.base import UInt8s as UInt8s
    from plainwire.model.base import UInt16s as UInt16s
    from plainwire.model.base import UInt32s as UInt32s
    from plainwire.model.segments import Segments

__all__ = [
    "ACK",
    "CWR",
    "ECE",
    "FIN",
    "HARMLESS",
    "IDLE_RESET",
    "PSH",
    "RST",
    "SPARE_COPY",
    "SYN",
    "Afterwards",
    "AfterwardsKind",
    "Attempts",
    "Bounds",
    "Bug",
    "Bugs",
    "CaptureDrops",
    "CaptureEnd",
    "CaptureItem",
    "CaptureNote",
    "Certainty",
    "Certificate",
    "Clock",
    "CloseEvent",
    "CloseKind",
    "CloseWord",
    "Connection",
    "Content",
    "Contrast",
    "Coverage",
    "DangerBand",
    "DatagramBatch",
    "Discreet",
    "Endpoint",
    "EventStream",
    "Evidence",
    "Exchange",
    "Fault",
    "Finding",
    "Framing",
    "Gap",
    "Grpc",
    "IcmpError",
    "KernelReset",
    "Killed",
    "Lookup",
    "NamedSetting",
    "Need",
    "NoRightError",
    "Outcome",
    "PacketBatch",
    "Process",
    "ProgramConnection",
    "ProgramEvents",
    "QuicInfo",
    "Quoted",
    "Report",
    "Request",
    "ResetFlavour",
    "Response",
    "Reused",
    "RunningTest",
    "Saying",
    "SecretsBlock",
    "SegmentBatch",
    "Segments",
    "ServerFacts",
    "Side",
    "Sign",
    "SocketClose",
    "SocketError",
    "StreamEvent",
    "Syn",
    "SynOptions",
    "Testimony",
    "Text",
    "TlsInfo",
    "Tunnel",
    "Undecrypted",
    "Unreached",
    "UserError",
    "WebSocket",
    "WebSocketClose",
    "WebSocketFrame",
    "WebSocketMessage",
    "WebSocketPing",
    "Words",
]


def __getattr__(name: str) -> object:
    """Import what needs NumPy when it is asked for.

    NumPy starts threads, which must not be there before a program that is run has started: they would take
    signals that are meant for it.
    """
    if name == "Segments":
        from plainwire.model.segments import Segments  # noqa: PLC0415

        return Segments
    message = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(message)
