"""The packet numbers of one side that were seen."""

from __future__ import annotations

from bisect import bisect_right
from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_RANGES = 512
"""Most separate runs of numbers; if there are more, the lowest are dropped."""


class PacketNumbers:
    """A set of packet numbers, which arrive nearly in order, as runs ``[start, end)``."""

    __slots__ = ("_ends", "_first", "_starts", "count", "largest")

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._first = -1
        self.largest = -1
        self.count = 0

    def add(self, number: int) -> bool:
        """Add a number; False if it was there already."""
        starts, ends = self._starts, self._ends
        if ends and number == ends[-1]:  # the usual case
            ends[-1] += 1
        else:
            row = bisect_right(starts, number) - 1
            if row >= 0 and number < ends[row]:
                return False
            self._insert(row, number)
        self._first = number if self.count == 0 else min(self._first, number)
        self.largest = max(self.largest, number)
        self.count += 1
        return True

    def _insert(self, row: int, number: int) -> None:
        """Add a number after the run ``row``: extend it or the next one, join the two, or make a new one."""
        starts, ends = self._starts, self._ends
        joins_left = row >= 0 and ends[row] == number
        joins_right = row + 1 < len(starts) and starts[row + 1] == number + 1
        if joins_left and joins_right:
            ends[row] = ends.pop(row + 1)
            del starts[row + 1]
        elif joins_left:
            ends[row] += 1
        elif joins_right:
            starts[row + 1] = number
        else:
            starts.insert(row + 1, number)
            ends.insert(row + 1, number + 1)
            if len(starts) > MOST_RANGES:
                del starts[0], ends[0]

    @property
    def missing(self) -> int:
        """How many numbers between the lowest and the highest were not seen."""
        return max(self.largest - self._first + 1 - self.count, 0) if self.count else 0

    def missing_beside(self, others: Sequence[PacketNumbers]) -> int:
        """Return how many are ``missing``; some senders (aioquic) number all spaces in one sequence.

        If no number is in two spaces they do so, and numbers of the other spaces are not missing.
        """
        if any(_common(one, other) for one, other in combinations((self, *others), 2)):
            return self.missing
        holes = list(zip(self._ends, self._starts[1:], strict=False))
        return self.missing - sum(_overlap(holes, other.runs) for other in others)

    @property
    def runs(self) -> list[tuple[int, int]]:
        """The runs ``[start, end)`` that are kept."""
        return list(zip(self._starts, self._ends, strict=True))


def _common(one: PacketNumbers, other: PacketNumbers) -> int:
    return _overlap(one.runs, other.runs)


def _overlap(some: list[tuple[int, int]], others: list[tuple[int, int]]) -> int:
    """How many numbers are in both lists of runs; both are sorted."""
    at = found = 0
    for start, end in some:
        while at < len(others) and others[at][1] <= start:
            at += 1
        row = at
        while row < len(others) and others[row][0] < end:
            found += min(end, others[row][1]) - max(start, others[row][0])
            row += 1
    return found
