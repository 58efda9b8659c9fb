"""What the steps of decoding share: packets as rows, and groups whose next header is of one kind.

A ``PacketLayer`` is a group of packets whose next header is of the same kind. The handler of that kind takes
the whole group and passes on groups by the kind of the header that follows. It never goes back, so one check
at the end (is the TCP header within the captured bytes?) is enough for all headers before it. Nothing here
trusts a length: positions are clipped when bytes are read.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.arrays import np

if TYPE_CHECKING:
    from collections import Counter

    from numpy.typing import NDArray

    from plainwire.model import Int64s, PacketBatch

    Bools = NDArray[np.bool_]


class HeaderKind(enum.Enum):
    """The kind of a header. Decoding ends at the last ones, which decode.py takes."""

    ETHERNET = enum.auto()
    VLAN = enum.auto()
    LLC = enum.auto()
    SNAP = enum.auto()
    NLPID = enum.auto()
    PPP = enum.auto()
    PPPOE = enum.auto()
    CISCO_HDLC = enum.auto()
    TOKEN_RING = enum.auto()
    FDDI = enum.auto()
    WIFI = enum.auto()
    RADIOTAP = enum.auto()
    PRISM = enum.auto()
    BACKBONE = enum.auto()
    FABRIC_PATH = enum.auto()
    TAG4 = enum.auto()
    TAG6 = enum.auto()
    MPLS = enum.auto()
    IP = enum.auto()
    IPV4 = enum.auto()
    IPV6 = enum.auto()
    AUTHENTICATION = enum.auto()
    GRE = enum.auto()
    ERSPAN2 = enum.auto()
    ERSPAN3 = enum.auto()
    WCCP = enum.auto()
    NSH = enum.auto()
    ETHER_IP = enum.auto()
    UDP = enum.auto()
    FRAGMENT4 = enum.auto()
    FRAGMENT6 = enum.auto()
    TCP = enum.auto()
    DATAGRAM = enum.auto()
    ICMP = enum.auto()


class Rows:
    """The packets of a batch, and their bytes by position; a read beyond the data gives the last byte."""

    def __init__(self, batch: PacketBatch) -> None:
        self.data = batch.data
        self.number = batch.number
        self.time_ns = batch.time_ns
        self.start = batch.offset
        self.end = batch.offset + batch.caplen
        """Where the captured bytes of each end."""
        self.on_wire = batch.offset + batch.length
        self._bytes = np.frombuffer(batch.data, dtype=np.uint8)

    def extend(self, packets: list[bytes], completed_by: list[int]) -> Int64s:
        """Add reassembled packets, each with the number and time of the row that completed it."""
        sizes = np.array([len(packet) for packet in packets], dtype=np.int64)
        end = len(self.data) + np.cumsum(sizes)
        added = np.arange(len(self.start), len(self.start) + len(packets), dtype=np.int64)
        self.data = b"".join([self.data, *packets])
        self._bytes = np.frombuffer(self.data, dtype=np.uint8)
        self.number = np.concatenate([self.number, self.number[completed_by]])
        self.time_ns = np.concatenate([self.time_ns, self.time_ns[completed_by]])
        self.start = np.concatenate([self.start, end - sizes])
        self.end = np.concatenate([self.end, end])
        self.on_wire = np.concatenate([self.on_wire, end])
        return added

    def byte(self, at: Int64s) -> Int64s:
        """The byte at each position."""
        if not len(self._bytes):
            return np.zeros(len(at), dtype=np.int64)
        return self._bytes.take(at, mode="clip").astype(np.int64)

    def be16(self, at: Int64s) -> Int64s:
        """Two bytes in network order."""
        return (self.byte(at) << 8) | self.byte(at + 1)

    def be32(self, at: Int64s) -> Int64s:
        """Four bytes in network order."""
        return (self.be16(at) << 16) | self.be16(at + 2)

    def le16(self, at: Int64s) -> Int64s:
        """Two bytes, little-endian."""
        return self.byte(at) | (self.byte(at + 1) << 8)

    def le32(self, at: Int64s) -> Int64s:
        """Four bytes, little-endian."""
        return self.le16(at) | (self.le16(at + 2) << 16)

    def take(self, at: Int64s, size: int) -> NDArray[np.uint8]:
        """``size`` bytes at each position, as rows of a table."""
        if not len(self._bytes):
            return np.zeros((len(at), size), dtype=np.uint8)
        return self._bytes.take(at[:, None] + np.arange(size), mode="clip")


class PacketLayer(Struct):
    """Packets whose next header is of one kind.

     ``at`` is where the header begins, ``end`` where what it belongs to ends on the wire.
    ``head`` is the header of the innermost IP so far, of ``version``.
     ``limited``: IP does not reach beyond ``end``, whatever its length says. (Elsewhere it may: a
     mirror, or a tool that cuts packets, leaves the length of the inner packet as the only true one).
    """

    row: Int64s
    at: Int64s
    end: Int64s
    head: Int64s
    version: int = 0
    limited: bool = False

    def only(self, chosen: Bools | Int64s) -> PacketLayer:
        """Some of the packets."""
        return PacketLayer(
            self.row[chosen], self.at[chosen], self.end[chosen], self.head[chosen], self.version, self.limited
        )

    def skip(self, size: Int64s | int) -> PacketLayer:
        """Past a header of ``size``."""
        return PacketLayer(self.row, self.at + size, self.end, self.head, self.version, self.limited)


Found = Iterator[tuple[HeaderKind, PacketLayer]]
Handler = Callable[[Rows, PacketLayer, "Counter[str]"], Found]


def split(layer: PacketLayer, numbers: Int64s, kinds: Mapping[int, HeaderKind]) -> Found:
    """Group by each packet's protocol number (below 65,536); numbers without a kind are left out."""
    if not len(numbers):
        return
    present = np.flatnonzero(np.bincount(numbers)).tolist()
    if len(present) == 1:
        if present[0] in kinds:
            yield kinds[present[0]], layer
        return
    for number in present:
        if number in kinds:
            yield kinds[number], layer.only(numbers == number)


def name_others(numbers: Int64s, names: Mapping[int, str], passed_over: Counter[str]) -> None:
    """Count the packets that may carry what is looked for, in or above something that is not decoded."""
    for number, name in names.items():
        count = int((numbers == number).sum())
        if count:
            passed_over[name] += count


def merge(layers: list[PacketLayer]) -> PacketLayer:
    """Several of the same IP version as one."""
    if len(layers) == 1:
        return layers[0]
    row, at, end, head = (
        np.concatenate([getattr(layer, name) for layer in layers]) for name in ("row", "at", "end", "head")
    )
    return PacketLayer(row, at, end, head, layers[0].version, layers[0].limited)


def gather(found: Iterable[tuple[HeaderKind, PacketLayer]]) -> list[tuple[HeaderKind, PacketLayer]]:
    """One layer for each kind, however packets got there: no file can cause more work by many routes."""
    groups: dict[tuple[HeaderKind, int, bool], list[PacketLayer]] = {}
    for kind, layer in found:
        if len(layer.row):
            groups.setdefault((kind, layer.version, layer.limited), []).append(layer)
    return [(key[0], merge(layers)) for key, layers in groups.items()]
