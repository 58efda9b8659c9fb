"""How a server is in the habit of closing: after how many requests, at what age, many at one moment.

Each is a clock of its own beside that of idleness (``clock``). One is named only where the closes agree on
it and no other clock would explain them as well.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.model import Connection

    from .clock import IdleClose

MOMENT_NS = 100_000_000
"""Closes of several connections within this time are one event."""

_FEWEST = 3
_SMALLEST_LIMIT = 3
_SPREAD_NS = 50_000_000
_SPREAD_SHARE = 0.01
_UNEQUAL_SHARE = 0.05
_APART_NS = 10_000_000
_MUCH_CLOSER = 10


def most_requests(closes: Sequence[IdleClose], connections: Sequence[Connection]) -> tuple[int, int] | None:
    """(the number of requests after which the server closes, how often it did); None where nothing says.

    Its closes come with the answer to the last request, always the same in number, and no connection
    carried more.
    """
    ordinals = [close.ordinal for close in closes if close.at_once]
    if len(ordinals) < _FEWEST or len(set(ordinals)) > 1 or ordinals[0] < _SMALLEST_LIMIT:
        return None
    limit = ordinals[0]
    beyond = any(
        exchange.response is not None for c in connections for exchange in c.exchanges[limit : limit + 1]
    )
    return None if beyond else (limit, len(ordinals))


@dataclass(frozen=True, slots=True)
class Age:
    """The range in which the ages of closed connections fell, in ns, and how many there were."""

    low: int
    high: int
    count: int

    def fits(self, age_ns: int) -> bool:
        """Whether a close at this age may be the same timer's."""
        slack = max(_SPREAD_NS, int(self.high * _SPREAD_SHARE))
        return self.low - slack <= age_ns <= self.high + slack


def greatest_age(closes: Sequence[IdleClose]) -> Age | None:
    """The age at which the server closes connections.

    None where idleness would explain it as well, or one moment in which all were closed.
    """
    timed = [c for c in closes if not c.at_once and not c.announced and not c.connection.mid_stream]
    if len(timed) < _FEWEST:
        return None
    ages = [close.age_ns for close in timed]
    times = [close.close.time_ns for close in timed]
    slack = max(_SPREAD_NS, _SPREAD_SHARE * statistics.median(ages))
    if (
        max(ages) - min(ages) > 2 * slack
        or max(times) - min(times) <= MOMENT_NS
        or not _unequal([close.idle_ns for close in timed])
    ):
        return None
    return Age(min(ages), max(ages), len(ages))


def closed_together(
    close: IdleClose, closes: Sequence[IdleClose], connections: Sequence[Connection]
) -> list[IdleClose]:
    """All closes at the moment of this one, itself included; empty where they need not be one event.

    A timer of each connection's own would have closed them as far apart as they had become idle. A sweep
    of one timer would have closed others after as much idleness before. Either all connections that were
    open were closed, or at least three and half of them.
    """
    at = close.close.time_ns
    known = [other for other in closes if not other.announced]
    same = [other for other in known if abs(other.close.time_ns - at) <= MOMENT_NS]
    if close not in same or len(same) < _FEWEST - 1 or not _one_event(same):
        return []
    longest, shortest = max(o.idle_ns for o in same), min(o.idle_ns for o in same)
    if any(not o.at_once and shortest <= o.idle_ns <= longest for o in known if o not in same):
        return []
    present = sum(c.opened_ns < at - MOMENT_NS and c.last_ns >= at - MOMENT_NS for c in connections)
    enough = len(same) >= present or (len(same) >= _FEWEST and 2 * len(same) >= present)
    return same if enough else []


def _one_event(closes: Sequence[IdleClose]) -> bool:
    """Whether the closes lie much closer together than the times at which their idleness began."""
    times = [close.close.time_ns for close in closes]
    idle = [close.idle_ns for close in closes]
    apart = max(_APART_NS, _MUCH_CLOSER * (max(times) - min(times)), _UNEQUAL_SHARE * statistics.median(idle))
    return max(idle) - min(idle) > apart


def same_timer(one: int, other: int) -> bool:
    """Whether two times may be one timer's."""
    return not _unequal((one, other))


def _unequal(values: Sequence[int]) -> bool:
    """Whether the times differ by more than one timer's would."""
    return max(values) - min(values) > max(2 * _SPREAD_NS, _UNEQUAL_SHARE * statistics.median(values))
