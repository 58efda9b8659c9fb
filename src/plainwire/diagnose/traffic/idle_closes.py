"""Closes of several connections that are one event, and times that are one timer's."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import cached_property
from typing import TYPE_CHECKING

from plainwire.diagnose.statistics.median import median

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.diagnose.evidence.idle_close import IdleClose
    from plainwire.model import Connection


MOMENT_NS = 100_000_000
"""Closes of several connections within this time are one event."""

_FEWEST_CLOSES = 3
"""Closes in one moment that make an event of it."""

_TIMER_SPREAD_NS = 50_000_000
"""How far apart two runs of one timer may be."""

_UNEQUAL_SHARE = 0.05
"""Idle times that differ by a larger share are no single timer's."""

_APART_NS = 10_000_000
"""Nor are those that differ by less than this told apart."""

_MUCH_CLOSER = 10
"""Closes must be so many times closer to each other than the times at which idleness began."""

_MOST_NEAR = 500


class Closes:
    """A server's closes of idle connections, beside all of its connections.

    Each of many failures is held against all of these, so that everything is looked up in what was sorted.
    """

    def __init__(self, closes: Sequence[IdleClose], connections: Sequence[Connection]) -> None:
        """``closes``: in order of the connections."""
        self.all = closes
        self.of = {close.connection.id: close for close in closes}
        """By the connection's id."""
        self._connections = connections

    @cached_property
    def at_once(self) -> list[IdleClose]:
        """Those that came with a response."""
        return [close for close in self.all if close.at_once]

    @cached_property
    def _resets(self) -> list[IdleClose]:
        return sorted((close for close in self.all if close.close.kind == "rst"), key=_idle_ns)

    def resets_like(self, close: IdleClose) -> list[IdleClose]:
        """Closes by RST after as much idleness as this one, the shortest first."""
        place = bisect_left(self._resets, close.idle_ns, key=_idle_ns)
        first = bisect_left(self._resets, 1, 0, place, key=lambda o: same_timer(o.idle_ns, close.idle_ns))
        last = bisect_left(self._resets, 1, place, key=lambda o: not same_timer(o.idle_ns, close.idle_ns))
        return self._resets[first:last]

    @cached_property
    def idle_range(self) -> tuple[int, int]:
        """The shortest and the longest idleness, in ns."""
        return min(c.idle_ns for c in self.all), max(c.idle_ns for c in self.all)

    @cached_property
    def _by_time(self) -> list[IdleClose]:
        """Those that were not announced."""
        return sorted((close for close in self.all if not close.announced), key=_closed_ns)

    @cached_property
    def _idle(self) -> list[int]:
        """Of these the idleness, where it was any, sorted."""
        return sorted(close.idle_ns for close in self._by_time if not close.at_once)

    @cached_property
    def _opened(self) -> list[int]:
        return sorted(connection.opened_ns for connection in self._connections)

    @cached_property
    def _ended(self) -> list[int]:
        return sorted(connection.last_ns for connection in self._connections)

    def together(self, close: IdleClose) -> list[IdleClose]:
        """All closes at the moment of this one, itself included; empty where they need not be one event.

        A timer of each connection's own would have closed them as far apart as they had become idle. A sweep
        of one timer would have closed others after as much idleness before. Either all connections that were
        open were closed, or at least three and half of them. Of very many only the nearest are looked at.
        """
        at = close.close.time_ns
        first = bisect_left(self._by_time, at - MOMENT_NS, key=_closed_ns)
        last = bisect_right(self._by_time, at + MOMENT_NS, key=_closed_ns)
        count = last - first
        if close.announced or count < _FEWEST_CLOSES - 1:
            return []
        here = bisect_left(self._by_time, at, first, last, key=_closed_ns)
        same = self._by_time[max(first, here - _MOST_NEAR) : min(last, here + _MOST_NEAR)]
        if not _one_event(same):
            return []
        longest, shortest = max(o.idle_ns for o in same), min(o.idle_ns for o in same)
        alike = bisect_right(self._idle, longest) - bisect_left(self._idle, shortest)
        if alike > (sum(not o.at_once for o in same) if count == len(same) else count):
            return []
        begun, over = (bisect_left(times, at - MOMENT_NS) for times in (self._opened, self._ended))
        present = begun - over
        return same if count >= present or (count >= _FEWEST_CLOSES and 2 * count >= present) else []


def _closed_ns(close: IdleClose) -> int:
    return close.close.time_ns


def _idle_ns(close: IdleClose) -> int:
    return close.idle_ns


def _one_event(closes: Sequence[IdleClose]) -> bool:
    """Whether the closes lie much closer together than the times at which their idleness began."""
    times = [close.close.time_ns for close in closes]
    idle = [close.idle_ns for close in closes]
    apart = max(_APART_NS, _MUCH_CLOSER * (max(times) - min(times)), _UNEQUAL_SHARE * median(idle))
    return max(idle) - min(idle) > apart


def same_timer(one: int, other: int) -> bool:
    """Whether two times may be one timer's."""
    return abs(one - other) <= max(2 * _TIMER_SPREAD_NS, _UNEQUAL_SHARE * (one + other) / 2)
