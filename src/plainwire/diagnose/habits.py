"""Closes of several connections that are one event, and times that are one timer's."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.model import Connection

    from .clock import IdleClose

MOMENT_NS = 100_000_000
"""Closes of several connections within this time are one event."""

_FEWEST = 3
_SPREAD_NS = 50_000_000
_UNEQUAL_SHARE = 0.05
_APART_NS = 10_000_000
_MUCH_CLOSER = 10


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
