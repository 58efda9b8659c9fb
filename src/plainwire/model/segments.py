"""The last segments of a connection, as the rules read them."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from plainwire.arrays import np

if TYPE_CHECKING:
    from plainwire.model.base import Int64s

_FEW = 32
_COLUMNS = ("number", "time_ns", "side", "seq", "ack", "length", "flags", "window", "ttl", "ip_id")
_WHOLE = 8
_WIDTHS = ((1, 0), (1 << 8, 1), (1 << 16, 2), (1 << 32, 4))
"""Ranges of numbers, and the bytes that one of them takes."""


class Segments:
    """The last segments of one connection, one row each, in capture order: what the rules read.

    ``side`` is the sender (0 client, 1 server). ``seq`` and ``ack`` are stream offsets; ``ack`` is
    -1 where the ACK bit is not set. ``window`` is the field as sent, unscaled. ``ip_id`` is -1 for
    IPv6. At most ``streams.tail.TAIL`` rows: the older ones of a long connection are gone. Packets
    that were captured twice are there once.

    A capture may have very many connections, whose segments are all kept to the end. So each column lies
    in as few bytes as its range takes, a third of what the numbers themselves would, and is made anew
    each time that it is asked for.
    """

    __slots__ = ("_few", "_layout", "_length", "_packed")

    def __init__(
        self,
        number: Int64s,
        time_ns: Int64s,
        side: Int64s,
        seq: Int64s,
        ack: Int64s,
        length: Int64s,
        flags: Int64s,
        window: Int64s,
        ttl: Int64s,
        ip_id: Int64s,
    ) -> None:
        table = np.stack((number, time_ns, side, seq, ack, length, flags, window, ttl, ip_id))
        self._length = len(number)
        self._few: array[int] | None = None  # column by column
        self._layout: list[tuple[int, int, int, int]] = []  # position, bytes a number, factor, lowest
        self._packed = b""
        if self._length <= _FEW:
            self._few = array("q", table.tobytes())
        else:
            self._pack(table)

    @classmethod
    def few(cls, columns: array[int], length: int) -> Segments:
        """Those of a short connection: its columns one behind the other, ``length`` numbers each."""
        made = cls.__new__(cls)
        made._few, made._length = columns, length  # noqa: SLF001 - its own; there is no table to pack
        made._layout, made._packed = [], b""  # noqa: SLF001
        return made

    def _pack(self, table: Int64s) -> None:
        parts: list[bytes] = []
        position = 0
        for name, column in zip(_COLUMNS, table, strict=True):
            lowest, highest = int(column.min()), int(column.max())
            factor = 1000 if name == "time_ns" and not (column % 1000).any() else 1
            span = (highest - lowest) // factor + 1
            width = next((w for limit, w in _WIDTHS if span <= limit), _WHOLE)
            factor = 1 if width == _WHOLE else factor  # whatever the range, arithmetic modulo 2**64 is exact
            self._layout.append((position, width, factor, lowest))
            if width:
                parts.append(((column - lowest) // factor).astype(f"u{width}").tobytes())
                position += width * self._length
        self._packed = b"".join(parts)

    def _column(self, index: int) -> Int64s:
        if not self._length:
            return np.empty(0, dtype=np.int64)
        if self._few is not None:
            return np.frombuffer(self._few, np.int64, self._length, index * self._length * 8)
        position, width, factor, lowest = self._layout[index]
        if not width:
            return np.full(self._length, lowest, dtype=np.int64)
        packed = np.frombuffer(self._packed, f"u{width}", self._length, position)
        return packed.astype(np.int64) * factor + lowest

    def find(self, number: int) -> tuple[int, ...] | None:
        """The first segment of a packet, in the order of the columns; None where it is not among them."""
        if self._few is not None and self._length:
            try:
                at = self._few.index(number, 0, self._length)
            except ValueError:
                return None
            return tuple(self._few[at :: self._length])
        rows = (self.number == number).nonzero()[0]
        return tuple(int(self._column(i)[rows[0]]) for i in range(len(_COLUMNS))) if len(rows) else None

    def __len__(self) -> int:
        return self._length

    @property
    def number(self) -> Int64s:
        """Packet numbers."""
        return self._column(0)

    @property
    def time_ns(self) -> Int64s:
        """Capture times."""
        return self._column(1)

    @property
    def side(self) -> Int64s:
        """Who sent it."""
        return self._column(2)

    @property
    def seq(self) -> Int64s:
        """The offset at which the segment stands."""
        return self._column(3)

    @property
    def ack(self) -> Int64s:
        """The offset that it acknowledges."""
        return self._column(4)

    @property
    def length(self) -> Int64s:
        """Bytes of payload."""
        return self._column(5)

    @property
    def flags(self) -> Int64s:
        """Control bits."""
        return self._column(6)

    @property
    def window(self) -> Int64s:
        """The window field."""
        return self._column(7)

    @property
    def ttl(self) -> Int64s:
        """TTL or hop limit."""
        return self._column(8)

    @property
    def ip_id(self) -> Int64s:
        """IP identification."""
        return self._column(9)
