"""Whether what makes a failure possible has been there: only such attempts can show that a fix helps."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.diagnose.statistics.exact import fisher_less
from plainwire.diagnose.statistics.prediction import runs_to_see_again

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from plainwire.model import Contrast

    from .runs import Run

CONTROLLABLE = frozenset(
    ("idle_before", "ordinal", "age", "request_size", "header_size", "concurrency", "sent_before")
)
"""Properties that come before a failure and may be what brings it about."""


class Trigger(Struct, frozen=True):
    """A number that failing attempts have from ``low`` to ``high`` (None: open)."""

    code: str
    feature: str
    low: float | None
    high: float | None

    def holds(self, value: float) -> bool:
        """Whether an attempt with this number has it."""
        if math.isnan(value):
            return False
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


class Trial(Struct, frozen=True):
    """How a trigger fared: (failed, tried) before a fix and after it.

    ``p``: the probability that chance alone made so few fail (Fisher, one-sided). ``largest``: the largest
    number that any attempt has after it.
    """

    trigger: Trigger
    before: tuple[int, int]
    after: tuple[int, int]
    p: float
    largest: float | None


class Exposed(Struct, frozen=True):
    """Of ``tried`` attempts with the trigger ``failed`` did; so many more show it again with 95 %
    confidence.
    """

    trigger: Trigger
    failed: int
    tried: int
    again: int | None


def exposed(trigger: Trigger, runs: Sequence[Run]) -> Exposed:
    """Count the attempts with the trigger, and how many more would show the failure again."""
    failed, tried = count(trigger, runs)
    return Exposed(trigger, failed, tried, runs_to_see_again(failed, tried).predictive)


def weigh(trigger: Trigger, before: Sequence[Run], after: Sequence[Run]) -> Trial:
    """Hold the attempts with the trigger before and after a fix against each other."""
    old, new = count(trigger, before), count(trigger, after)
    p = fisher_less(new[0], new[1] - new[0], old[0], old[1] - old[0])
    return Trial(trigger, old, new, p, _longest(trigger, after))


def triggers(contrasts: Iterable[Contrast]) -> list[Trigger]:
    """Those contrasts that say under which circumstances a cause strikes."""
    return [Trigger(c.code, c.feature, c.low, c.high) for c in contrasts if c.feature in CONTROLLABLE]


def count(trigger: Trigger, runs: Sequence[Run]) -> tuple[int, int]:
    """Return how many attempts with the trigger failed of its cause, and how many there were."""
    failed = exposed = 0
    for run in runs:
        values = run.trials.numbers.get(trigger.feature, ())
        for code, value in zip(run.trials.codes, values, strict=False):
            if trigger.holds(value):
                exposed += 1
                failed += code == trigger.code
    return failed, exposed


def _longest(trigger: Trigger, runs: Sequence[Run]) -> float | None:
    """The largest number that any attempt had; None where none had one."""
    values = [v for run in runs for v in run.trials.numbers.get(trigger.feature, ()) if not math.isnan(v)]
    return max(values, default=None)
