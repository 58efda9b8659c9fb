"""Exchanges that clients gave up: which of them ended by one timer, and which by one decision.

A timer gives the same age to exchanges that began, and so ended, at different times. What ends at one instant
with different ages was ended by one decision: tasks that were cancelled together, a connection that was
closed, the end of the process.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.closes import client_first
from plainwire.diagnose.evidence.timers import same_time, usual_time
from plainwire.model import Side

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from plainwire.model import Connection, Exchange

_ONE_INSTANT_NS = 20_000_000
"""Ends within this time are one decision of the client."""
_SHORTEST_WAIT_NS = 200_000_000
"""Nobody sets a client's timer to less."""


class GivenUp(Struct, frozen=True):
    """One exchange that its client gave up. ``silence_ns``: since it last heard of it, ``age_ns``: in all.

    ``act`` tells acts of closing apart: the close of a connection ends all streams on it. ``youngest``: no
    exchange that the act ended began later.
    """

    act: tuple[str, int]
    ended_ns: int
    silence_ns: int
    age_ns: int
    youngest: bool


class Timer(Struct, frozen=True):
    """A time that a client kept. ``times`` exchanges were given up after it, at different instants."""

    waited_ns: int
    times: int
    whole: bool
    """Whether it runs from the request's begin, not from the last byte heard."""

    @property
    def says(self) -> str:
        """The timer in words."""
        since = "after the request began" if self.whole else "after it had last heard of it"
        usual = usual_time(self.waited_ns)
        near = ": a client timeout"
        if usual:
            near = f": this looks like a client timeout of {wording.seconds(usual)}"
        pattern = f" {self.times} exchanges were given up after the same time." if self.times > 1 else ""
        return f" It gave up {wording.span(self.waited_ns)} {since}{near}.{pattern}"


def given_up(connection: Connection, exchange: Exchange) -> GivenUp | None:
    """When and how the client gave the exchange up; None where it did not."""
    request, response = exchange.request, exchange.response
    ended = _ended_ns(connection, exchange)
    if request is None or ended is None or not request.complete or ended < request.last_ns:
        return None
    heard = request.last_ns
    if response is not None:
        if response.complete and response.last_ns <= ended:
            return None
        heard = response.last_ns if response.last_ns <= ended else request.last_ns
    act = ("connection", connection.id) if exchange.reset is None else ("exchange", exchange.id)
    later = exchange.reset is None and any(
        other.request is not None and other.request.time_ns > request.time_ns and other.outcome == "aborted"
        for other in connection.exchanges
    )
    return GivenUp(act, ended, ended - heard, ended - request.time_ns, not later)


def _ended_ns(connection: Connection, exchange: Exchange) -> int | None:
    reset = exchange.reset
    if reset is not None:
        return reset.time_ns if reset.side == Side.CLIENT else None
    close = client_first(connection)
    return None if close is None else close.time_ns


class GivenUps:
    """All of them, by the time at which they ended."""

    def __init__(self, connections: Sequence[Connection]) -> None:
        self._all = sorted(_all(connections), key=_ended)

    def together(self, one: GivenUp) -> list[GivenUp]:
        """Those that ended at one instant, itself among them, where that was one decision; else none.

        Their ages differ; those that began together and were given up together tell nothing.
        """
        low = bisect_left(self._all, one.ended_ns - _ONE_INSTANT_NS, key=_ended)
        high = bisect_right(self._all, one.ended_ns + _ONE_INSTANT_NS, key=_ended)
        same = self._all[low:high]
        others = [other for other in same if other.act != one.act]
        differ = any(not same_time(one.age_ns, other.age_ns) for other in others)
        silent = any(not same_time(one.silence_ns, other.silence_ns) for other in others)
        return same if differ and silent else []

    def timer_of(self, one: GivenUp) -> Timer | None:
        """The timer by which the client gave up; None where none shows."""
        if not one.youngest or self.together(one):
            return None  # an older stream ended with its connection, whatever time that was for it
        for waited, whole in ((one.silence_ns, False), (one.age_ns, True)):
            if waited < _SHORTEST_WAIT_NS:
                continue
            others = (o.age_ns if whole else o.silence_ns for o in self._elsewhere(one))
            count = 1 + sum(same_time(waited, other) for other in others)
            if count > 1 or usual_time(waited) is not None:
                return Timer(waited, count, whole)
        return None

    def _elsewhere(self, one: GivenUp) -> Iterator[GivenUp]:
        """Those that ended at another instant."""
        return (other for other in self._all if abs(other.ended_ns - one.ended_ns) > _ONE_INSTANT_NS)


def _all(connections: Sequence[Connection]) -> Iterator[GivenUp]:
    for connection in connections:
        exchanges = connection.exchanges
        if exchanges and exchanges[-1].protocol == "http/1.1":
            exchanges = exchanges[-1:]
        for exchange in exchanges:
            if exchange.protocol == "http/1.1" or exchange.outcome == "aborted":
                one = given_up(connection, exchange)
                if one is not None:
                    yield one


def _ended(one: GivenUp) -> int:
    return one.ended_ns
