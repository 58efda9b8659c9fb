"""Reassembles IP fragments (RFC 791 section 3.2, RFC 8200 section 4.5), row by row, since they are rare.

Where fragments overlap, the first one counts. A reassembled packet has the number and time of the fragment
that completed it, and is then decoded like any other packet. Fragments cut by the snap length cannot be
joined; of those, the first of a packet is decoded as far as it goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from plainwire.arrays import np
from plainwire.packets import network
from plainwire.packets.layers import Found, HeaderKind, PacketLayer, Rows

if TYPE_CHECKING:
    from collections import Counter

    from plainwire.model import Int64s

LIFETIME_NS = 30_000_000_000
"""How long fragments wait for the rest, in capture time: as in Linux (ipfrag_time), since ids are reused."""

MOST_BYTES = 16 << 20
MOST_PACKETS = 4096
"""The most that may wait; the oldest are dropped first."""

_WAITING = "IP fragments whose packet never became whole"
_CUT = "IP fragments cut by the snap length"
_DAMAGED = "damaged IP fragments"
_LARGEST = 65535
_UNIT = 8


class _Piece(NamedTuple):
    """A fragment: ``head`` is the header that its packet will have if it is the first."""

    row: int
    key: bytes
    head: bytes
    offset: int
    more: bool
    at: int
    end: int


class _Packet:
    """A packet in pieces."""

    __slots__ = ("_filled", "_total", "buffer", "first_ns", "head", "numbers")

    def __init__(self, first_ns: int) -> None:
        self.first_ns = first_ns
        self.numbers: list[int] = []
        self.head = b""
        self.buffer = bytearray()
        self._filled = bytearray()  # a byte for every eight of the buffer
        self._total: int | None = None

    def add(self, piece: _Piece, data: bytes, number: int) -> None:
        self.numbers.append(number)
        end = piece.offset + len(data)
        if piece.offset == 0 and not self.head:
            self.head = piece.head
        if not piece.more and self._total is None:
            self._total = end
        first, last = piece.offset // _UNIT, -(-end // _UNIT)
        if last > len(self._filled):
            self._filled += bytes(last - len(self._filled))
            self.buffer += bytes(last * _UNIT - len(self.buffer))
        if not any(self._filled[first:last]):
            self.buffer[piece.offset : end] = data
        else:
            for unit in range(first, last):
                if not self._filled[unit]:
                    start = unit * _UNIT
                    part = data[start - piece.offset : start - piece.offset + _UNIT]
                    self.buffer[start : start + len(part)] = part
        self._filled[first:last] = b"\1" * (last - first)

    def whole(self) -> bytes | None:
        """The packet, if it is complete."""
        if self._total is None or not self.head:
            return None
        units = -(-self._total // _UNIT)
        if self._filled.find(0, 0, units) >= 0:
            return None
        return self.head + bytes(self.buffer[: self._total])


class Fragments:
    """Keeps fragments until their packet is complete or too old, or until there are too many.

    ``joined``: the numbers of the packets that became one, the one that completed it last; whoever feeds
    empties it.
    """

    def __init__(self, passed_over: Counter[str]) -> None:
        self.joined: list[list[int]] = []
        self._passed_over = passed_over
        self._packets: dict[bytes, _Packet] = {}
        self._held = 0

    def feed(self, rows: Rows, kind: HeaderKind, layer: PacketLayer) -> Found:
        """Take a group of fragments; give the packets that they complete."""
        if (layer.row[1:] < layer.row[:-1]).any():
            layer = layer.only(np.argsort(layer.row, kind="stable"))
        read = _pieces4 if kind is HeaderKind.FRAGMENT4 else _pieces6
        cut = layer.end > rows.end[layer.row]
        if cut.any():
            yield from self._cut(rows, kind, layer.only(cut))
            layer = layer.only(~cut)
        packets: list[bytes] = []
        completed_by: list[int] = []
        for piece in read(rows, layer):
            packet = self._take(rows, piece)
            if packet is not None:
                packets.append(packet)
                completed_by.append(piece.row)
        if packets:
            added = rows.extend(packets, completed_by)
            start = rows.start[added]
            yield (
                HeaderKind.IPV4 if kind is HeaderKind.FRAGMENT4 else HeaderKind.IPV6,
                PacketLayer(added, start, rows.end[added], start),
            )

    def _cut(self, rows: Rows, kind: HeaderKind, layer: PacketLayer) -> Found:
        """The first fragment of a packet has the TCP header, so a gap shows after it."""
        if kind is HeaderKind.FRAGMENT4:
            first = rows.be16(layer.head + 6) & 0x1FFF == 0
            inner, protocols = layer.skip((rows.byte(layer.head) & 15) * 4), rows.byte(layer.head + 9)
        else:
            first = rows.be16(layer.at + 2) & 0xFFF8 == 0
            inner, protocols = layer.skip(8), rows.byte(layer.at)
        others = int((~first).sum())
        if others:
            self._passed_over[_CUT] += others
        yield from network.follow(inner.only(first), protocols[first], self._passed_over)

    def _take(self, rows: Rows, piece: _Piece) -> bytes | None:
        size = piece.end - piece.at
        if size <= 0 or piece.offset + size > _LARGEST or (piece.more and size % _UNIT):
            self._passed_over[_DAMAGED] += 1
            return None
        self._passed_over[_WAITING] += 1
        now_ns = int(rows.time_ns[piece.row])
        self._forget(now_ns)
        packet = self._packets.get(piece.key)
        if packet is None:
            packet = self._packets[piece.key] = _Packet(now_ns)
        before = len(packet.buffer)
        packet.add(piece, rows.data[piece.at : piece.end], int(rows.number[piece.row]))
        self._held += len(packet.buffer) - before
        whole = packet.whole()
        if whole is not None:
            self._drop(piece.key)
            self._passed_over[_WAITING] -= len(packet.numbers)
            self.joined.append(packet.numbers)
        return whole

    def _forget(self, now_ns: int) -> None:
        while self._packets:
            key, packet = next(iter(self._packets.items()))
            full = self._held > MOST_BYTES or len(self._packets) > MOST_PACKETS
            if not full and now_ns - packet.first_ns <= LIFETIME_NS:
                return
            self._drop(key)

    def _drop(self, key: bytes) -> None:
        self._held -= len(self._packets.pop(key).buffer)


def _pieces4(rows: Rows, layer: PacketLayer) -> list[_Piece]:
    data, pieces = rows.data, []
    fields = rows.be16(layer.head + 6)
    for row, head, end, field in zip(*_lists(layer.row, layer.head, layer.end, fields), strict=True):
        size = (data[head] & 15) * 4
        header = bytearray(data[head : head + size])
        key = bytes(header[4:6] + header[9:10] + header[12:20])
        header[2:4] = header[6:8] = b"\0\0"  # reaches to its end; no fragment
        pieces.append(
            _Piece(row, key, bytes(header), (field & 0x1FFF) * _UNIT, bool(field & 0x2000), head + size, end)
        )
    return pieces


def _pieces6(rows: Rows, layer: PacketLayer) -> list[_Piece]:
    data, pieces = rows.data, []
    fields = rows.be16(layer.at + 2)
    columns = (layer.row, layer.head, layer.at, layer.end, fields)
    for row, head, at, end, field in zip(*_lists(*columns), strict=True):
        header = bytearray(data[head : head + 40])
        header[4:6], header[6] = b"\0\0", data[at]
        key = data[at + 4 : at + 8] + bytes(header[8:40])
        pieces.append(_Piece(row, key, bytes(header), field & 0xFFF8, bool(field & 1), at + 8, end))
    return pieces


def _lists(*columns: Int64s) -> list[list[int]]:
    return [column.tolist() for column in columns]
