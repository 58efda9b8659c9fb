"""The last segments of a connection, raw: for the rules, and to know a packet that was captured twice."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import numpy as np

from plainwire.model import FIN, RST, SYN
from plainwire.streams.columns import FLAGS, IP_ID, KEPT, LENGTH, SOURCE, TIME, TTL, Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.model import Int64s

TAIL = 2048
"""How many of its last segments a connection keeps for the rules."""

COPY_NS = 100_000_000
"""A copy with the same IP identification within this time is the same packet: no retransmission timeout
is that short (RFC 6298 section 2.4), and a retransmission gets an identification of its own.
"""

COPY_WITHOUT_ID_NS = 1_000_000
"""The same for packets without one (IPv6, and RFC 6864 section 4.1)."""

_MOST_HOPS = 8
_LOOKED_THROUGH = 64
_AT_ONCE = 64 * KEPT


class Tail:
    """At most ``TAIL`` segments, in capture order."""

    __slots__ = ("_count", "_rows", "_tables")

    def __init__(self) -> None:
        self._tables: list[Int64s] = []
        self._rows = array("q")  # newer than the tables, one segment behind the other
        self._count = 0  # of those in the tables

    def add(self, row: Row) -> None:
        """Take one segment."""
        self._rows.extend(row[:KEPT])
        if len(self._rows) >= _AT_ONCE:
            self._settle()

    def extend(self, columns: Int64s) -> None:
        """Take many at once."""
        if self._rows:
            self._settle()
        self._append(columns[:KEPT, -TAIL:].copy())

    def _settle(self) -> None:
        self._append(np.array(self._rows).reshape(-1, KEPT).T)
        self._rows = array("q")

    def _append(self, columns: Int64s) -> None:
        self._tables.append(columns)
        self._count += columns.shape[1]
        while self._count - self._tables[0].shape[1] >= TAIL:
            self._count -= self._tables.pop(0).shape[1]

    def columns(self) -> Int64s:
        """The lines of ``columns`` that are kept, of the segments that are kept."""
        if self._rows:
            self._settle()
        if not self._tables:
            return np.empty((KEPT, 0), dtype=np.int64)
        if len(self._tables) > 1:
            self._tables = [np.concatenate(self._tables, axis=1)[:, -TAIL:]]
            self._count = self._tables[0].shape[1]
        return self._tables[0][:, -TAIL:]

    def holds_copy(self, row: Row) -> bool:
        """Whether a segment is the same packet as a recent one, captured at another place."""
        id_, bare = row[IP_ID], not row[LENGTH] and not row[FLAGS] & (SYN | FIN | RST)
        if id_ <= 0 and bare:
            return False  # of equal acknowledgments each may be one of its own (RFC 5681 section 2)
        oldest = row[TIME] - (COPY_NS if id_ > 0 else COPY_WITHOUT_ID_NS)
        for earlier in self._newest():
            if earlier[TIME] < oldest:
                return False
            same_packet = earlier[SOURCE:TTL] == row[SOURCE:TTL] and earlier[IP_ID] == id_
            if same_packet and abs(earlier[TTL] - row[TTL]) <= _MOST_HOPS:
                return True
        return False

    def _newest(self) -> Iterator[Row]:
        """The last ones, newest first."""
        for end in range(len(self._rows), 0, -KEPT):
            yield self._rows[end - KEPT : end].tolist()
        left = _LOOKED_THROUGH - len(self._rows) // KEPT
        for columns in reversed(self._tables):
            if left <= 0:
                return
            yield from columns[:, : -left - 1 : -1].T.tolist()
            left -= columns.shape[1]
