"""A server's limits, from how it ended connections: idle time, number of requests, age, a moment.

Each limit has a clock of its own; the true one shows the same number at every end, the others scatter.
Nothing is said where two clocks would explain the ends alike, but an idle timer goes before an age that
explains hardly more: it is by far the more common.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from plainwire.arrays import np
from plainwire.diagnose.statistics.median import median_low
from plainwire.diagnose.statistics.survival import kaplan_meier
from plainwire.model import Bounds

from .idle_timeout import SPREAD_NS, SPREAD_SHARE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.diagnose.evidence.server_end import End


_WIDEST_SHARE = 0.1
"""No two runs of one timer are further apart, however short it is."""

_PAIR_NS = 5_000_000
"""Two ends alone must agree this closely (chosen)."""

_PAIR_SHARE = 0.005
"""Two ends alone must agree much more closely than many."""

_CLIFF = 0.5
"""Of the connections idle long enough, the share that ends at a limit worth the name."""

_ROUND_NS = 1_000_000_000
"""Timers are set in whole seconds."""

_ROUND_SLACK_NS = 100_000_000
"""A timer that is looked at once a second may be looked at so much late (chosen)."""

_TIMER_LATE_NS = 20_000_000
"""They fire up to so much late: scheduling (chosen)."""

_TIMER_EARLY_NS = 2_000_000
"""They fire so much early at most: two clocks, capture and server (chosen)."""

_CHANCE = 0.02
"""A coincidence less probable than this is none."""

_CHANCE_ANNOUNCED = 0.1
"""The same where each end was announced: a server that says so keeps a count, or is told to stop (chosen)."""

_ENOUGH = 3
"""Ends that agree: two may happen to."""

_CLEARLY = 2
"""Ends that only one of two clocks explains, from which on it is the better one."""

_ONE_MOMENT_NS = 50_000_000
"""Closes within this time are one event."""

_SCATTER = 0.05
"""Coefficient of variation above which a clock is not the one."""


def idle_timeout(ends: Sequence[End], survived: Sequence[int], hint_ns: int | None) -> Bounds | None:
    """The idle time at which the server ends connections.

    ``survived`` are idle times that ended otherwise, by a request that was answered or by the client, in the
    server's eyes as the ends are: with the way there and back. One end, or two that differ, count only
    where the hint, or a whole number of seconds, agrees with them.
    """
    idle = [(end.idle_ns, end.time_ns) for end in ends if end.idle_ns is not None and not end.at_once]
    seen = [time for time, _ in idle]
    near = _agreeing(seen)
    if not near and not _at_one_moment([time for _, time in idle]):
        near = _coarse(seen)
    if not near:
        return None
    low, high = min(near), max(near)
    exact = len(near) > 1 and high - low <= max(_PAIR_NS, int(high * _PAIR_SHARE))
    if len(near) < _ENOUGH and not exact and not all(_plausible(value, hint_ns) for value in near):
        return None
    slack = _slack(high)
    if kaplan_meier(seen, survived).ends_within(low - slack, high + slack) < _CLIFF:
        return None
    return Bounds(low, high, len(near))


def _agreeing(values: Sequence[int]) -> list[int]:
    """Those near their median, where they are at least half of all."""
    if not values:
        return []
    middle = median_low(values)
    near = [value for value in values if abs(value - middle) <= _slack(middle)]
    return near if 2 * len(near) >= len(values) and (len(near) > 1 or len(values) == 1) else []


def _coarse(values: Sequence[int]) -> list[int]:
    """All of them, where they may be those of a timer that is looked at once a second."""
    if len(values) < _ENOUGH + 1 or min(values) < _ROUND_NS:
        return []
    return list(values) if max(values) - min(values) <= _ROUND_NS + _ROUND_SLACK_NS else []


def _slack(value: int) -> int:
    """How far apart two runs of one timer may be: jitter, or a share of it where it is long."""
    return min(max(SPREAD_NS, int(value * SPREAD_SHARE)), int(value * _WIDEST_SHARE))


def _plausible(idle: int, hint_ns: int | None) -> bool:
    """Whether somebody would configure this: timers are set in whole seconds, and run out a little late."""
    hinted = () if hint_ns is None else (hint_ns, hint_ns + _ROUND_NS)
    if any(-_TIMER_EARLY_NS <= idle - hint <= _slack(hint) for hint in hinted):
        return True
    return (idle + _TIMER_EARLY_NS) % _ROUND_NS <= _TIMER_EARLY_NS + _TIMER_LATE_NS and idle > _ROUND_NS // 2


def most_requests(ends: Sequence[End], most_seen: int) -> tuple[int, int] | None:
    """(requests a connection, how many connections ended so); ``most_seen``: the longest connection's.

    A server that closed at random after K requests in the mean would end m connections all at the same
    number with a probability of about K ** -(m - 1) / m; that must be small, unless it announced each.
    """
    counted = [end for end in ends if end.at_once and end.requests is not None]
    counts = Counter(end.requests for end in counted if end.requests is not None)
    if not counts:
        return None
    limit, times = counts.most_common(1)[0]
    if most_seen > limit or 2 * times < counts.total() or times < 2:
        return None
    announced = len(counts) == 1 and all(end.announced for end in counted)
    if times < _ENOUGH + 1 and limit ** -(times - 1) / times > (_CHANCE_ANNOUNCED if announced else _CHANCE):
        return None
    return limit, times


def greatest_age(ends: Sequence[End], oldest_ns: int, trip_ns: int) -> Bounds | None:
    """The age at which the server ends connections, whatever they do; ``oldest_ns``: the oldest one seen.

    A server counts from the SYN's arrival at the earliest and from the handshake's end at the latest: of the
    age that the client sees, one round trip to three (``trip_ns``) belong to the way.
    """
    aged = [end for end in ends if end.age_ns is not None]
    ages = [end.age_ns for end in aged if end.age_ns is not None]
    near = _agreeing(ages)
    if len(near) < _ENOUGH or oldest_ns > max(near) + _slack(max(near)):
        return None
    others = (
        [end.idle_ns or 0 for end in aged],
        [end.requests or 0 for end in aged],
        [e.time_ns for e in aged],
    )
    if any(_scatter(values) <= _SCATTER for values in others[:2]) or _at_one_moment(others[2]):
        return None
    return Bounds(max(0, min(near) - 3 * trip_ns), max(near) - trip_ns, len(near))


def outdoes(age: Bounds, idle: Bounds | None) -> bool:
    """Whether an age explains the ends better than an idle timer, which goes before it where they are near.

    Pauses of few lengths make some connections idle for equally long when their age is reached.
    """
    return idle is None or age.count >= idle.count + _CLEARLY


def reloads(ends: Sequence[End], idle: Bounds | None) -> list[int]:
    """Moments at which the server ended three connections or more that no other clock explains."""
    rest = sorted((end for end in ends if not _by_timer(end, idle)), key=lambda end: end.time_ns)
    found = []
    start = 0
    while start < len(rest):
        stop = start
        while stop < len(rest) and rest[stop].time_ns - rest[start].time_ns <= _ONE_MOMENT_NS:
            stop += 1
        together = rest[start:stop]
        if len(together) >= _ENOUGH and _differ([e.idle_ns or 0 for e in together]):
            ages = [end.age_ns for end in together if end.age_ns is not None]
            if len(ages) < _ENOUGH or _differ(ages):
                found.append(together[0].time_ns)
        start = stop
    return found


def _by_timer(end: End, idle: Bounds | None) -> bool:
    if idle is None or end.idle_ns is None:
        return False
    return idle.low_ns - _slack(idle.low_ns) <= end.idle_ns <= idle.high_ns + _slack(idle.high_ns)


def _differ(values: Sequence[int]) -> bool:
    return max(values) - min(values) > _slack(median_low(values))


def _at_one_moment(times: Sequence[int]) -> bool:
    return not times or max(times) - min(times) <= _ONE_MOMENT_NS


def _scatter(values: Sequence[int]) -> float:
    """The coefficient of variation."""
    mean = float(np.mean(values))
    return float(np.std(values)) / mean if mean else 0.0
