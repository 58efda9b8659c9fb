"""When to stop: a sequential rule, so that looking again and again does not make chance look like a cause.

The comparison is made when 3, 6, 12, ... runs have failed, and at the j-th look it has to be significant at
0.05 / 2 ** j: all looks together err in at most one hunt of twenty.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Literal

from plainwire.diagnose.comparison.comparison import FEWEST, SIGNIFICANCE, Comparison, compare_trials
from plainwire.diagnose.comparison.trials import join
from plainwire.diagnose.statistics.prediction import clean_runs_needed

from . import exposure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .runs import Run

End = Literal[
    "limit", "first failure", "established", "cured", "not cured", "interrupted", "trouble", "chosen"
]
"""Why a hunt ended; ``chosen``: there was none, the cases were chosen, and their number says nothing."""

PATTERNLESS = 12
"""Runs that fail of the same cause, after which more would show only what half of all requests have. A
program that failed so often and never anything else always fails.
"""


def compared(runs: Sequence[Run]) -> Comparison:
    """Compare the failures of all runs with what succeeded in any of them."""
    requests = compare_trials(join([run.trials for run in runs]))
    attempts = compare_trials(join([run.attempts for run in runs]))
    return Comparison(requests.contrasts + attempts.contrasts, requests.undecided + attempts.undecided)


class StoppingRule:
    """Decides after every run. ``before``: the runs before a fix, which is then what is tested.

    ``triggers``: under which circumstances it fails, as far as that is known already.
    """

    def __init__(self, before: Sequence[Run] = ()) -> None:
        self._looks = 0
        self._next_look = FEWEST
        self._old = {code for run in before if run.failed for code in run.codes}
        self._before = before
        self._clean_needed = clean_runs_needed(sum(run.failed for run in before), len(before))
        self.triggers = exposure.triggers(compared(before).contrasts) if before else []

    def after(self, runs: Sequence[Run], last: Run) -> End | None:
        """Whether to stop after ``last``, one of ``runs``."""
        if self._before:
            return self._of_fix(runs, last)
        return "established" if last.failed and self._established(runs) else None

    def _established(self, runs: Sequence[Run]) -> bool:
        if len(runs) == PATTERNLESS and all(run.failed for run in runs):
            return True
        causes = Counter(code for run in runs if run.failed for code in {*run.codes})
        if not causes:
            return False
        code, count = causes.most_common(1)[0]
        if count >= self._next_look:
            self._looks += 1
            self._next_look = 2 * count
            bound = SIGNIFICANCE / 2**self._looks
            contrasts = compared(runs).contrasts
            self.triggers = exposure.triggers(contrasts)
            if any(c.code == code and c.p <= bound for c in contrasts):
                return True
        return count >= PATTERNLESS

    def _of_fix(self, runs: Sequence[Run], last: Run) -> End | None:
        if self._old & {*last.codes} or (last.failed and not self._old):
            return "not cured"
        if self._clean_needed is not None and sum(not run.failed for run in runs) >= self._clean_needed:
            return "cured"
        for trigger in self.triggers:
            trial = exposure.weigh(trigger, self._before, runs)
            if trial.after[1] and trial.p <= SIGNIFICANCE:
                return "cured"
        return None
