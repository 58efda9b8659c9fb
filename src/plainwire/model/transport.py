"""TCP, UDP and ICMP: segments as columns, and what is learnt of the ends of a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field

from plainwire.model.base import Discreet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.model.base import Int64s, Side


class SegmentBatch(Discreet, Struct):
    """TCP segments, one row each, in file order. Payload lies in ``data`` at ``offset``.

    ``source`` and ``target`` number the endpoints (see ``endpoints``, one table a decoder, which
    only grows). ``captured`` is how much of the payload is there, ``length`` how much there was.
    """

    unshown = ("data", "endpoints", "options")

    data: bytes
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
    endpoints: Sequence[Endpoint]
    options: dict[int, SynOptions] = field(default_factory=dict)
    """Of the segments with SYN, by packet number; those whose options cannot be read are not there."""


class DatagramBatch(Discreet, Struct):
    """UDP datagrams (RFC 768), one row each, in file order; columns as in ``SegmentBatch``."""

    unshown = ("data", "endpoints")

    data: bytes
    number: Int64s
    time_ns: Int64s
    source: Int64s
    target: Int64s
    ttl: Int64s
    offset: Int64s
    captured: Int64s
    length: Int64s
    endpoints: Sequence[Endpoint]


class IcmpError(Struct, frozen=True):
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

ECE, CWR = 0x40, 0x80
"""Those of explicit congestion notification (RFC 3168 section 6.1)."""


class SynOptions(Struct, frozen=True):
    """TCP options of a segment with SYN (RFC 9293 section 3.1); None, or False: it has no such option.

    ``mss`` in bytes; ``window_scale`` is the shift as sent (RFC 7323 section 2.2); ``sack``: selective
    acknowledgments are permitted (RFC 2018); ``stamp`` and ``echo``: TSval and TSecr (RFC 7323 section 3.2).
    """

    mss: int | None = None
    window_scale: int | None = None
    sack: bool = False
    stamp: int | None = None
    echo: int | None = None


class Syn(Struct, frozen=True):
    """One segment with SYN; its ``window`` is never scaled (RFC 7323 section 2.2).

    ``options`` is None where they were damaged, or cut by the snap length.
    """

    packet: int
    time_ns: int
    side: Side
    flags: int
    window: int
    ttl: int
    options: SynOptions | None = None

    @property
    def marked(self) -> bool:
        """Whether it has both bits that offer ECN, or, in a SYN-ACK, the one that agrees to it.

        RFC 3168 section 6.1.1. A SYN for accurate ECN (RFC 9768 section 3.1.1) has both bits too.
        """
        return bool(self.flags & ECE) and (bool(self.flags & ACK) or bool(self.flags & CWR))


class Endpoint(Struct, frozen=True):
    """An IP address and a TCP or UDP port."""

    address: str
    port: int

    def __str__(self) -> str:
        if ":" in self.address:
            return f"[{self.address}]:{self.port}"
        return f"{self.address}:{self.port}"


class Gap(Struct, frozen=True):
    """Bytes of one direction that the capture does not hold although they were sent."""

    side: Side
    offset: int
    length: int
    packet: int
    """The packet at which the hole was noticed."""


_OF_QUIC = ("connection_close", "stateless_reset")
CloseKind = Literal["close_notify", "alert", "fin", "rst", "connection_close", "stateless_reset"]


class CloseEvent(Struct, frozen=True):
    """One act of closing: a TLS alert (``close_notify``, or another: see ``detail``), a FIN, a RST; in QUIC
    a CONNECTION_CLOSE frame or a stateless reset (RFC 9000 section 10), whose ``seq`` is the packet number.

    A close_notify has ``user_canceled`` in ``detail`` where its sender said that first: it takes no more.
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
    from_sockets: bool = False
    """It was not captured, but the program was told of it: see ``Connection.from_sockets``. What a RST
    acknowledged the kernel keeps to itself: then ``ack`` is None, which says nothing."""

    def knew_of(self, other: CloseEvent) -> bool:
        """Whether its sender had received ``other``, a close of TCP's or TLS's by its peer, by then."""
        counted = other.kind in ("fin", "close_notify", "alert")  # a RST takes no number
        return counted and self.kind not in _OF_QUIC and self.ack is not None and self.ack > other.seq
