"""What has been seen, and what more runs would show: how many to see it again, and how sure a fix is.

Where a fix is tested only trials that could have failed count: those with the trigger (the idle time, the
server, the ordinal). Callers pass such counts where they know them, and runs where they do not.
"""

from __future__ import annotations

import math

from msgspec import Struct

from .exact import fisher_less
from .intervals import lower_bound, upper_bound
from .special import log_beta

MOST_RUNS = 10**9
"""Where more would be needed, the answer is None: never, for practical purposes."""
_ROUNDING = 1e-9


class MoreRuns(Struct, frozen=True):
    """How many more runs show a failure again with the probability asked for.

    ``if_rate_is_as_seen`` takes the observed rate for the true one. ``predictive`` knows that it is only an
    estimate: the number to go by. ``cautious`` holds even where the true rate lies at its lower bound.
    None: more than anybody would run.
    """

    if_rate_is_as_seen: int | None
    predictive: int | None
    cautious: int | None


def runs_to_see_again(failures: int, runs: int, probability: float = 0.95) -> MoreRuns:
    """How many more runs to see it again, after ``failures`` in ``runs``."""
    seen = _at_rate(failures / runs, probability) if runs else None
    lowest = lower_bound(failures, runs, probability)
    return MoreRuns(seen, _predictive(failures, runs, probability), _at_rate(lowest, probability))


def _at_rate(rate: float, probability: float) -> int | None:
    if rate >= 1:
        return 1
    if rate <= 0:
        return None
    needed = math.log(1 - probability) / math.log1p(-rate)
    return max(1, math.ceil(needed - _ROUNDING)) if needed < MOST_RUNS else None


def no_failure_in(more: int, failures: int, runs: int) -> float:
    """The probability of no failure in ``more`` further runs, after ``failures`` in ``runs`` (Jeffreys)."""
    a, b = failures + 0.5, runs - failures + 0.5
    return math.exp(log_beta(a, b + more) - log_beta(a, b))


def _predictive(failures: int, runs: int, probability: float) -> int | None:
    high = 1
    while no_failure_in(high, failures, runs) > 1 - probability:
        high *= 2
        if high > MOST_RUNS:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        if no_failure_in(middle, failures, runs) > 1 - probability:
            low = middle
        else:
            high = middle
    return high


def rate_is_below(runs: int, confidence: float = 0.95) -> float:
    """The rate that failures stay below after ``runs`` without one (about 3 / runs)."""
    return upper_bound(0, runs, confidence) if runs else 1.0


class AfterFix(Struct, frozen=True):
    """How sure it is that a fix helped.

    ``p``: the probability of so few failures after it had nothing changed (Fisher, one-sided).
    ``rate_below``: the bound of the rate that is left. ``bayes_factor``: how many times better "cured"
    explains the clean runs than "as before"; None where it failed again.
    ``runs_needed``: clean runs after which ``p`` would be 0.05 or less, None where none suffice.
    """

    p: float
    rate_below: float
    bayes_factor: float | None
    runs_needed: int | None


def after_fix(failures: int, runs: int, failures_after: int, runs_after: int) -> AfterFix:
    """Weigh ``failures_after`` of ``runs_after`` with the fix against ``failures`` of ``runs`` without."""
    p = fisher_less(failures_after, runs_after - failures_after, failures, runs - failures)
    unchanged = no_failure_in(runs_after, failures, runs)
    factor = None if failures_after else (1 / unchanged if unchanged > 0 else math.inf)
    rate_below = upper_bound(failures_after, runs_after) if runs_after else 1.0
    return AfterFix(p, rate_below, factor, clean_runs_needed(failures, runs))


def clean_runs_needed(failures: int, runs: int, significance: float = 0.05) -> int | None:
    """How many runs without failure after a fix make p ``significance`` or less; None where none would."""
    if failures <= 0:
        return None
    high = 1
    while _all_clean(high, failures, runs) > significance + _ROUNDING:
        high *= 2
        if high > MOST_RUNS:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        if _all_clean(middle, failures, runs) > significance + _ROUNDING:
            low = middle
        else:
            high = middle
    return high


def _all_clean(after: int, failures: int, runs: int) -> float:
    """Fisher's one-sided p of ``failures`` of ``runs`` before and none of ``after``, in closed form."""
    return math.exp(math.fsum(math.log(runs - i) - math.log(runs + after - i) for i in range(failures)))


def failures_needed(prevalence: float, features: int = 1, significance: float = 0.05) -> int | None:
    """How many failures, all with a property that ``prevalence`` of the successes have too, make it telling.

    ``features``: how many properties were compared. None where no number does.
    """
    if prevalence >= 1 or prevalence < 0:
        return None
    if prevalence == 0:
        return 1
    return max(1, math.ceil(math.log(significance / features) / math.log(prevalence) - _ROUNDING))
