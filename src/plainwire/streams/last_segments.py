"""The last segments of a connection, as they were on the wire."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from plainwire.arrays import np
from plainwire.streams.segment_columns import KEPT, Row

if TYPE_CHECKING:
    from plainwire.model import Int64s

TAIL = 2048
"""How many of its last segments a connection keeps for the rules."""

FEW = 32
_LATEST = 64
_AT_ONCE = 64 * KEPT


class LastSegments:
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

    def begin(self, rows: bytes) -> None:
        """Take the kept lines of the first segments, which are few."""
        self._rows = array("q", rows)

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
        """The lines of ``segment_columns`` that are kept, of the segments that are kept."""
        if self._rows:
            self._settle()
        if not self._tables:
            return np.empty((KEPT, 0), dtype=np.int64)
        if len(self._tables) > 1:
            self._tables = [np.concatenate(self._tables, axis=1)[:, -TAIL:]]
            self._count = self._tables[0].shape[1]
        return self._tables[0][:, -TAIL:]

    def few(self) -> array[int] | None:
        """The kept lines of the segments, one segment behind the other, where there are few; else None."""
        return None if self._tables or len(self._rows) > FEW * KEPT else self._rows

    def latest(self) -> list[Row]:
        """The last few, oldest first."""
        found = [self._rows[at : at + KEPT].tolist() for at in range(0, len(self._rows), KEPT)]
        for columns in reversed(self._tables):
            if len(found) >= _LATEST:
                break
            found[:0] = columns[:, len(found) - _LATEST :].T.tolist()
        return found
