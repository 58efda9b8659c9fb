"""Whether a time looks like a timer's: one that people configure, or the same as another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose.thresholds import SECOND_NS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from plainwire.arrays import np
    from plainwire.model import Int64s

_USUAL = tuple(
    n * SECOND_NS
    for n in (1, 2, 3, 4, 5, 10, 15, 20, 30, 45, 50, 60, 75, 90, 100, 120, 180, 240, 300, 350, 600)
)
"""What people configure, and defaults of gateways: 50 and 60 s, 75 s, 100 s, 350 s."""

_EARLY_NS, _LATE_NS = 2_000_000, 30_000_000
"""A timer fires a little late, never early; clocks of capture and program differ by little."""

_COARSE_EARLY_NS, _COARSE_LATE_NS = 20_000_000, 80_000_000
"""Servers read the clock once for all events of a turn (nginx), so that theirs may seem to fire early."""

_SAME_NS, _SAME_SHARE = 30_000_000, 0.01
"""Waits of one timer differ by less: 30 ms of scheduling, or one part in a hundred where it is long."""

_COARSELY_SAME_NS, _COARSELY_SAME_SHARE = 150_000_000, 0.02
"""Between the timer of a server's side and its close at the client lie two paths and two busy machines: 80 ms
between cuts of one limit were seen where five times as much wanted to run as could."""


def usual_time(waited: int, *, server: bool = False) -> int | None:
    """The usual time that this wait, in ns, comes closest to; None where it is near none.

    ``server``: the timer is one of the server's side.
    """
    early, late = (_COARSE_EARLY_NS, _COARSE_LATE_NS) if server else (_EARLY_NS, _LATE_NS)
    return next((usual for usual in _USUAL if usual - early <= waited <= usual + late), None)


def usual_limit(shortest: int, longest: int, early_ns: int = 0) -> int | None:
    """The usual time of a server's timer that all waits from ``shortest`` to ``longest`` (ns) fit.

    ``early_ns``: how much sooner than its time this timer may fire, beside what all may.
    """
    early = _COARSE_EARLY_NS + early_ns
    fits = (u for u in _USUAL if u - early <= shortest and longest <= u + _COARSE_LATE_NS)
    return next(fits, None)


def same_time(one: int, other: int, *, server: bool = False) -> bool:
    """Whether two waits, in ns, may be those of one timer; ``server``: of one of the server's side."""
    if server:
        return abs(one - other) <= max(_COARSELY_SAME_NS, _COARSELY_SAME_SHARE * one)
    return abs(one - other) <= max(_SAME_NS, _SAME_SHARE * one)


def same_times(one: int, others: Int64s) -> NDArray[np.bool_]:
    """``same_time`` for many."""
    return abs(others - one) <= int(max(_SAME_NS, _SAME_SHARE * one))
