"""The way back from stream offsets to packets."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from plainwire.arrays import np

if TYPE_CHECKING:
    from plainwire.model import Int64s


_NONE = np.empty(0, dtype=np.int64)
_FEW = 64
"""Packets that are quicker looked up one by one: most connections never have more."""
_BEHIND = 1 << 62
"""Above every packet number."""


class Positions:
    """Where each packet's bytes begin in the stream, and what the packet acknowledged.

    ``origin`` is the sequence number of offset 0, as far as is known.
    """

    __slots__ = ("_acked", "_fresh", "_number", "_offset", "_time", "origin")

    def __init__(self) -> None:
        self.origin: int | None = None
        self._offset = self._number = self._time = self._acked = _NONE
        self._fresh: list[tuple[int, int, int, int]] = []  # not yet among the columns

    def add(self, offset: int, number: int, time_ns: int, acked: int = -1) -> None:
        """Add a packet; offsets never fall. ``acked``: its acknowledgment number, -1 without one."""
        self._fresh.append((offset, number, time_ns, acked))

    def begin(self, packets: list[tuple[int, int, int, int]]) -> None:
        """Add the first packets, each as ``add`` takes it."""
        self._fresh = packets

    def extend(self, offset: Int64s, number: Int64s, time_ns: Int64s, acked: Int64s) -> None:
        """Add packets; offsets never fall."""
        if self._fresh:
            self._settle()
        if len(self._offset):
            offset = np.concatenate((self._offset, offset))
            number = np.concatenate((self._number, number))
            time_ns = np.concatenate((self._time, time_ns))
            acked = np.concatenate((self._acked, acked))
        self._offset, self._number, self._time, self._acked = offset, number, time_ns, acked

    def _settle(self) -> None:
        columns = np.array(self._fresh, dtype=np.int64).T
        self._fresh = []
        self.extend(*columns)

    def _are_few(self) -> bool:
        """Whether all packets are in ``_fresh``, and to be looked up there; if not, none is."""
        if self._offset is _NONE and len(self._fresh) <= _FEW:
            return True
        if self._fresh:
            self._settle()
        return False

    def locate(self, offsets: list[int]) -> tuple[list[int], list[int]]:
        """Packet numbers and times of the packets that brought the bytes at ``offsets``."""
        if self._are_few():
            fresh = self._fresh
            if not fresh:
                return [0] * len(offsets), [0] * len(offsets)
            if len(offsets) == 1:
                _, number, time_ns, _ = fresh[max(bisect_right(fresh, (offsets[0], _BEHIND)) - 1, 0)]
                return [number], [time_ns]
            found = [fresh[max(bisect_right(fresh, (offset, _BEHIND)) - 1, 0)] for offset in offsets]
            return [row[1] for row in found], [row[2] for row in found]
        at = self._at(offsets)
        return self._number[at].tolist(), self._time[at].tolist()

    def acknowledged(self, offsets: list[int]) -> list[int]:
        """The acknowledgment numbers of the packets that brought the bytes at ``offsets``, -1 without one."""
        if self._are_few():
            fresh = self._fresh
            at = [max(bisect_right(fresh, (offset, _BEHIND)) - 1, 0) for offset in offsets]
            return [fresh[row][3] for row in at] if fresh else [-1] * len(offsets)
        found: list[int] = self._acked[self._at(offsets)].tolist()
        return found

    def _at(self, offsets: list[int]) -> Int64s:
        at = np.searchsorted(self._offset, np.array(offsets, dtype=np.int64), side="right") - 1
        return np.maximum(at, 0)

    def begins(self, offset: int) -> bool:
        """Whether a packet's bytes begin at the offset."""
        if self._are_few():
            few = bisect_left(self._fresh, (offset,))
            return few < len(self._fresh) and self._fresh[few][0] == offset
        at = int(np.searchsorted(self._offset, offset))
        return at < len(self._offset) and int(self._offset[at]) == offset

    def forget(self, before: int) -> None:
        """Drop what is only needed for offsets below ``before``."""
        if self._are_few():
            keep = bisect_right(self._fresh, (before, _BEHIND)) - 1
            if keep > 0:
                del self._fresh[:keep]
            return
        keep = int(np.searchsorted(self._offset, before, side="right")) - 1
        if keep > 0:
            self._offset, self._number, self._time, self._acked = (
                column[keep:].copy() for column in (self._offset, self._number, self._time, self._acked)
            )
