"""TCP, UDP and ICMP: segments as columns, and what is learnt of the ends of a connection."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from plainwire.model.base import Int64s, Side


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


@dataclass(slots=True)
class DatagramBatch:
    """UDP datagrams (RFC 768), one row each, in file order; columns as in ``SegmentBatch``."""

    data: bytes = field(repr=False)
    number: Int64s
    time_ns: Int64s
    source: Int64s
    target: Int64s
    ttl: Int64s
    offset: Int64s
    captured: Int64s
    length: Int64s
    endpoints: list[Endpoint] = field(repr=False)


@dataclass(frozen=True, slots=True)
class IcmpError:
    """An ICMP or ICMPv6 error message (RFC 792, RFC 4443) and the packet that it quotes.

    ``source`` and ``target`` are those of the quoted packet, ``protocol`` its IP protocol number;
    ``seq`` its TCP sequence number where the quotation reaches that far.
    """

    packet: int
    time_ns: int
    sender: str
    type: int
    code: int
    says: str  # "destination unreachable: port unreachable"
    protocol: int
    source: Endpoint
    target: Endpoint
    seq: int | None = None
    mtu: int | None = None


FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
"""TCP control bits (RFC 9293 section 3.1)."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An IP address and a TCP or UDP port."""

    address: str
    port: int

    def __str__(self) -> str:
        if ":" in self.address:
            return f"[{self.address}]:{self.port}"
        return f"{self.address}:{self.port}"


@dataclass(frozen=True, slots=True)
class Gap:
    """Bytes of one direction that the capture does not hold although they were sent."""

    side: Side
    offset: int
    length: int
    packet: int
    """The packet at which the hole was noticed."""


CloseKind = Literal["close_notify", "alert", "fin", "rst", "connection_close", "stateless_reset"]


@dataclass(frozen=True, slots=True)
class CloseEvent:
    """One act of closing: a TLS alert (``close_notify``, or another: see ``detail``), a FIN, a RST; in QUIC
    a CONNECTION_CLOSE frame or a stateless reset (RFC 9000 section 10), whose ``seq`` is the packet number.

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
