"""What a case is to be made of, and when: what was seen for the first time, and what somebody asked for.

Pure: it is told what happened, and when.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.report import gate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from plainwire.recorder.jobs import Examined, Sighting
    from plainwire.recorder.ring import RingSegment

_REMEMBERED = 3
"""Segments for which something is known again: each is looked at twice."""
_MOST_REASONS = 5


class Window(Struct):
    """A case to be made: of what was captured from ``start`` to ``end`` (seconds since the epoch).

    ``asker`` is whoever waits for it.
    """

    because: list[str]
    at: float
    start: float
    end: float
    asker: int = 0

    @property
    def words(self) -> str:
        """Why, in a few words."""
        more = len(self.because) - _MOST_REASONS
        return ", ".join(self.because[:_MOST_REASONS]) + (f" and {more} more" if more > 0 else "")

    def of(self, segments: Iterable[RingSegment]) -> list[RingSegment]:
        """The segments that have some of that time."""
        return [each for each in segments if each.ended > self.start and each.began < self.end]


class Triggers:
    """``patterns``: the codes that are triggers (``gate.fits``); ``before``, ``behind``: seconds around one
    that are kept; ``rest``: seconds for which the same code makes no other case.
    """

    def __init__(self, patterns: Sequence[str], before: float, behind: float, rest: float) -> None:
        self.waiting: list[Window] = []
        self.counted: Counter[str] = Counter()
        """All findings, by code, also those that were no triggers."""
        self._patterns, self._before, self._behind, self._rest = patterns, before, behind, rest
        self._known: dict[tuple[str, int], int] = {}
        self._last: dict[str, float] = {}

    def take(self, examined: Examined) -> list[Sighting]:
        """What is new of what was seen in a segment, and asks for cases."""
        new = [each for each in examined.seen if self._is_new(each)]
        for each in examined.seen:
            self._known.update({(each.code, mark): examined.number for mark in each.marks})
        self._known = {k: n for k, n in self._known.items() if n > examined.number - _REMEMBERED}
        for each in new:
            self.counted[each.code] += 1
            rested = each.at - self._last.get(each.code, float("-inf"))
            if self._is_trigger(each) and rested >= self._rest:
                self._last[each.code] = each.at
                self.ask(each.code, each.at)
        return new

    def _is_trigger(self, seen: Sighting) -> bool:
        return seen.failure and gate.fits(seen.code, self._patterns)

    def _is_new(self, seen: Sighting) -> bool:
        return not seen.marks or any((seen.code, mark) not in self._known for mark in seen.marks)

    def ask(self, because: str, at: float) -> Window:
        """Something happened; one that happened within a window that is still waited for adds to it."""
        for window in self.waiting:
            if window.start <= at <= window.end and not window.asker:
                if because not in window.because:
                    window.because.append(because)
                return window
        return self._add(Window([because], at, at - self._before, at + self._behind))

    def look_back(self, because: str, since: float, now: float, asker: int = 0) -> Window:
        """Somebody wants what was until now."""
        return self._add(Window([because], now, now - since, now, asker))

    def _add(self, window: Window) -> Window:
        self.waiting.append(window)
        return window

    def wants_cut(self, current: RingSegment, now: float) -> bool:
        """Whether a window is over of which the current segment has a part."""
        return any(window.end <= now and current.began < window.end for window in self.waiting)

    def due(self, segments: Sequence[RingSegment], now: float) -> Window | None:
        """The first window of which everything is there and was examined; it is waited for no longer."""
        finished = [each for each in segments if each.ended]
        current = next((each for each in segments if not each.ended), None)
        for window in self.waiting:
            over = window.end <= now and (current is None or current.began >= window.end)
            if over and all(each.examined for each in window.of(finished)):
                self.waiting.remove(window)
                return window
        return None
