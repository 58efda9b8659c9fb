"""One connection with all that was learnt of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field

from plainwire.model.base import Discreet
from plainwire.model.transport import ACK

if TYPE_CHECKING:
    from plainwire.model.base import Side
    from plainwire.model.dns import Lookup
    from plainwire.model.http import Exchange, StreamEvent
    from plainwire.model.program import ProgramConnection
    from plainwire.model.quic import QuicInfo
    from plainwire.model.segments import Segments
    from plainwire.model.tls import TlsInfo, Undecrypted
    from plainwire.model.transport import CloseEvent, Endpoint, Gap, IcmpError, Syn


class Tunnel(Struct, frozen=True):
    """What a connection leads through: ``SOCKS 5`` to ``example.com:443``, ``STARTTLS (SMTP)``.

    ``refused`` says why it was not established: ``UNANSWERED`` where its negotiation broke off.
    """

    kind: str
    target: str
    packet: int
    refused: str = ""


UNANSWERED = "the proxy did not answer"
"""Why a tunnel was not established of which nobody said a word: the capture may have lost it."""


CloseWord = Literal["fin", "rst", "connection_close", "stateless_reset", "timeout", "open"]


class Connection(Discreet, Struct):
    """One TCP connection, from its SYN to its last packet, and all that was learnt of it."""

    unshown = ("syns", "events", "segments", "exchanges")

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
    duplicates: int = 0  # packets that were captured more than once
    conflicting: list[int] = field(default_factory=list)  # packets with other bytes than an earlier copy
    rtt_syn_ns: int | None = None  # SYN to SYN-ACK
    syns: list[Syn] = field(default_factory=list)  # the first few of each side, by time
    established: bool = False
    transport: Literal["tcp", "quic"] = "tcp"
    quic: QuicInfo | None = None
    tls: TlsInfo | None = None
    inner_tls: list[TlsInfo] = field(default_factory=list)  # sessions inside ``tls``, or after it
    tunnels: list[Tunnel] = field(default_factory=list)
    undecrypted: list[Undecrypted] = field(default_factory=list)
    decrypted: bool = False  # some application data could be read
    closes: list[CloseEvent] = field(default_factory=list)  # by time
    unseen_fins: list[bool] = field(default_factory=lambda: [False, False])
    """By side: whether its FIN was acknowledged but not captured. Then nobody knows who closed first."""
    gaps: list[Gap] = field(default_factory=list)
    snapped: bool = False  # packets were cut by the snap length
    events: list[StreamEvent] = field(default_factory=list)
    icmp_errors: list[IcmpError] = field(default_factory=list)
    segments: Segments | None = None
    exchanges: list[Exchange] = field(default_factory=list)
    application: str | None = None  # "http/1.1", "h2", "h3", "websocket", or another's name
    program: ProgramConnection | None = None
    served_by: int | None = None
    """The process of the program that is the server of this connection."""
    alike: int = 0
    """Further attempts at the same server that came to as little as this one, and are only counted."""
    relayed: bool = False
    """Whether a relay in user space (slirp, pasta) is the other end of the TCP that was captured."""
    lookup: Lookup | None = None
    """The question for the server's address that was answered right before the connection was opened."""

    @property
    def connected_ns(self) -> int | None:
        """When the server's SYN-ACK was captured; None where none was, and in QUIC."""
        for syn in self.syns:
            if syn.flags & ACK and syn.side == 1:
                return syn.time_ns
        return None

    @property
    def from_sockets(self) -> bool:
        """Whether it is told by the program's calls on its socket, and was not captured.

        Segments that were made of such calls have a TTL of 0, which no wire carries.
        """
        return self.segments is not None and len(self.segments) > 0 and not self.segments.ttl.any()

    @property
    def closed_by(self) -> Side | None:
        """The side that closed first, by alert, FIN or RST.

        By time, unless that one had the other's close by then: the capture's order may be another than the
        wire's.
        """
        if not self.closes:
            return None
        first = self.closes[0]
        known = any(first.knew_of(other) for other in self.closes[1:] if other.side is not first.side)
        return first.side.peer if known else first.side

    @property
    def close(self) -> CloseWord:
        """How the side that closed first did it: TCP's or QUIC's act (``timeout`` is not inferred yet)."""
        kinds: list[CloseWord] = [
            c.kind
            for c in self.closes
            if not (c.kind == "close_notify" or c.kind == "alert")  # noqa: PLR1714 - narrows
        ]
        return kinds[0] if kinds else "open"
