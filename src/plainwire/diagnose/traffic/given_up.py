"""Exchanges that clients gave up: which of them ended by one timer, and which by one decision.

A timer gives the same age to exchanges that began, and so ended, at different times. What ends at one instant
with different ages was ended by one decision: tasks that were cancelled together, a connection that was
closed, the end of the process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.arrays import np
from plainwire.diagnose import wording
from plainwire.diagnose.evidence.closes import client_first
from plainwire.diagnose.evidence.timers import same_times, usual_time
from plainwire.model import Side

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from plainwire.model import Connection, Exchange, Response

_ONE_INSTANT_NS = 20_000_000
"""Ends within this time are one decision of the client."""
SHORTEST_WAIT_NS = 200_000_000
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
        heard = last_heard_ns(connection, response, ended) or request.last_ns
    act = ("connection", connection.id) if exchange.reset is None else ("exchange", exchange.id)
    later = exchange.reset is None and any(
        other.request is not None and other.request.time_ns > request.time_ns and other.outcome == "aborted"
        for other in reversed(connection.exchanges)  # the youngest are there
    )
    return GivenUp(act, ended, ended - heard, ended - request.time_ns, not later)


def last_heard_ns(connection: Connection, response: Response, ended_ns: int) -> int | None:
    """When the last of a response came that came before the client's end; None where all came after it.

    A server that has not heard of the end goes on: what came afterwards is no silence before. Where several
    share a connection, bytes of any of them count, and without segments it may have come until the end.
    """
    if response.last_ns <= ended_ns:
        return response.last_ns
    if response.time_ns > ended_ns:
        return None
    segments = connection.segments
    if segments is None:
        return ended_ns
    times = segments.time_ns
    came = (segments.side == Side.SERVER) & (segments.length > 0) & (times <= ended_ns)
    last = times[came & (times >= response.time_ns)]
    return int(last.max()) if len(last) else response.time_ns


def _ended_ns(connection: Connection, exchange: Exchange) -> int | None:
    reset = exchange.reset
    if reset is not None:
        return reset.time_ns if reset.side == Side.CLIENT else None
    close = client_first(connection)
    return None if close is None else close.time_ns


class Together(Struct, frozen=True):
    """Exchanges that one decision of the client ended at one instant: how many, and how old they were."""

    number: int
    youngest_ns: int
    oldest_ns: int


class GivenUps:
    """All of them, by the time at which they ended: in columns, since a flood has very many."""

    def __init__(self, connections: Sequence[Connection]) -> None:
        found = sorted(_all(connections), key=_ended)
        acts = {act: number for number, act in enumerate(dict.fromkeys(one.act for one in found))}
        self._acts = acts
        self._act = np.array([acts[one.act] for one in found], dtype=np.int64)
        self._ended = np.array([one.ended_ns for one in found], dtype=np.int64)
        self._silence = np.array([one.silence_ns for one in found], dtype=np.int64)
        self._age = np.array([one.age_ns for one in found], dtype=np.int64)

    def together(self, one: GivenUp) -> Together | None:
        """Those that ended at one instant, itself among them, where that was one decision; else None.

        Their ages differ; those that began together and were given up together tell nothing.
        """
        low = int(np.searchsorted(self._ended, one.ended_ns - _ONE_INSTANT_NS, side="left"))
        high = int(np.searchsorted(self._ended, one.ended_ns + _ONE_INSTANT_NS, side="right"))
        same = slice(low, high)
        others = self._act[same] != self._acts.get(one.act, -1)
        differ = (~same_times(one.age_ns, self._age[same]) & others).any()
        silent = (~same_times(one.silence_ns, self._silence[same]) & others).any()
        if not (differ and silent):
            return None
        ages = self._age[same]
        return Together(len(ages), int(ages.min()), int(ages.max()))

    def timer_of(self, one: GivenUp) -> Timer | None:
        """The timer by which the client gave up; None where none shows."""
        if not one.youngest or self.together(one) is not None:
            return None  # an older stream ended with its connection, whatever time that was for it
        for waited, whole in ((one.silence_ns, False), (one.age_ns, True)):
            if waited < SHORTEST_WAIT_NS:
                continue
            elsewhere = abs(self._ended - one.ended_ns) > _ONE_INSTANT_NS  # ended at another instant
            others = same_times(waited, self._age if whole else self._silence)
            count = 1 + int((others & elsewhere).sum())
            if count > 1 or usual_time(waited) is not None:
                return Timer(waited, count, whole)
        return None


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
