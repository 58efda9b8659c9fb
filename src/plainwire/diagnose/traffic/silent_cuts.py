"""What cuts of responses have in common: the same silence before each of them is a limit of silence."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.cuts import cut_of, longest_pause
from plainwire.diagnose.evidence.targets import template
from plainwire.diagnose.evidence.timers import same_time, usual_limit, usual_time
from plainwire.diagnose.thresholds import LONG_NS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.diagnose.evidence.cuts import Cut
    from plainwire.model import Connection

_HARDLY_LONGER = 1.05
"""A silence longer by less than this factor is as long."""
_MOST_LOOKED_AT = 200

_LAZY, _LAZY_NS = ("nginx", "openresty"), 300_000_000
"""nginx leaves a timer as it is when it would move it by less than this (NGX_TIMER_LAZY_DELAY): silences that
its timeouts end may be shorter by so much."""


class SilenceLimit(Struct, frozen=True):
    """A limit of silence: ``low_ns`` to ``high_ns`` before ``count`` cuts; ``usual``: people configure it."""

    low_ns: int
    high_ns: int
    count: int
    usual: bool
    named: str
    """Which time is configured, in words; "" where none fits."""
    survived_ns: int
    """The longest pause that a response of the same kind survived here; 0: none is known."""

    @property
    def says(self) -> str:
        """The limit in words."""
        spread = wording.span(self.low_ns)
        if self.count > 1:
            spread += f" to {wording.span(self.high_ns)}"
            head = f"{self.count} responses were cut after the same silence, {spread}"
        else:
            head = f"The silence, {spread}, is a time that people configure"
        survived = (
            f" The longest pause that such a response survived here is {wording.span(self.survived_ns)}."
            if self.survived_ns
            else ""
        )
        return f"{head}: a limit of silence{self.named}.{survived}"


class SilentCuts:
    """All cuts of the responses of one server address."""

    def __init__(self, connections: Sequence[Connection]) -> None:
        self._connections = connections

    @cached_property
    def cuts(self) -> list[Cut]:
        """All of them, whatever silence was before them."""
        found = (cut_of(c, e) for c in self._connections for e in c.exchanges if e.outcome == "truncated")
        return [cut for cut in found if cut is not None]

    def limit_of(self, cut: Cut) -> SilenceLimit | None:
        """The limit of silence that the cut shows; None where it shows none."""
        silence = cut.silence_ns
        survived = self._survived(cut)
        if silence < LONG_NS or silence <= survived * _HARDLY_LONGER:
            return None
        same = [c.silence_ns for c in self.cuts if same_time(silence, c.silence_ns, server=True)]
        usual = usual_time(silence, server=True) is not None
        if len(same) < 2 and not usual:
            return None
        low, high = min(same, default=silence), max(same, default=silence)
        named = _named(cut, low, high) if len(same) > 1 else ""
        return SilenceLimit(low, high, max(1, len(same)), usual, named, survived)

    def same_age(self, cut: Cut) -> list[int]:
        """How long after their requests the responses were cut that lasted as long as this one, in ns."""
        same = [c.age_ns for c in self.cuts if same_time(cut.age_ns, c.age_ns, server=True)]
        return same if len(same) > 1 and cut.age_ns >= LONG_NS else []

    def at_one_byte(self, cut: Cut) -> int:
        """How many responses to such requests ended at one byte ahead of the length that they announce.

        0 for less than two. Then that length is wrong, or their writer stops there, whatever ended them.
        """
        if cut.response.framing != "content-length":
            return 0
        count = sum(_extent(other) == _extent(cut) for other in self.cuts)
        return count if count > 1 else 0

    def _survived(self, cut: Cut) -> int:
        """The longest pause within responses to such requests that went on after it."""
        kind = cut.request.method, template(cut.request.target)
        longest, looked = 0, 0
        for connection in self._connections:
            for exchange in connection.exchanges:
                request, response = exchange.request, exchange.response
                if request is None or response is None or looked >= _MOST_LOOKED_AT:
                    continue
                if response.last_ns - response.time_ns <= longest or request.method != kind[0]:
                    continue
                if template(request.target) == kind[1]:
                    looked += 1
                    longest = max(longest, longest_pause(connection, response))
        return longest


def _extent(cut: Cut) -> tuple[str, str, int | None, int]:
    response = cut.response
    return cut.request.method, template(cut.request.target), response.declared_size, response.body_size


def _named(cut: Cut, low: int, high: int) -> str:
    """The configured time that all these silences fit."""
    limit = usual_limit(low, high)
    if limit is not None:
        return f" of {wording.seconds(limit)}"
    server = next((text for name, text in cut.response.headers if name.lower() == "server"), "")
    limit = usual_limit(low, high, _LAZY_NS) if server.lower().startswith(_LAZY) else None
    if limit is None:
        return ""
    return f" of {wording.seconds(limit)} (nginx starts its timer anew no more than every 0.3 s)"
