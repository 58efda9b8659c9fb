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


def all_by_exit(before: Sequence[Run]) -> bool:
    """Whether each run that failed before the fix ended with another status than 0.

    Then that is what is to be fixed: what the program copes with since then is no failure of it.
    """
    failed = [run for run in before if run.failed]
    return bool(failed) and all(run.status != 0 for run in failed)


def is_failed(run: Run, *, by_exit: bool) -> bool:
    """Whether a run counts as failed, where runs are held against those before a fix."""
    return run.status != 0 if by_exit else run.failed


class StoppingRule:
    """Decides after every run. ``before``: the runs before a fix, which is then what is tested.

    ``triggers``: under which circumstances it fails, as far as that is known already.
    """

    def __init__(self, before: Sequence[Run] = ()) -> None:
        self._looks = 0
        self._next_look = FEWEST
        self._old = {code for run in before if run.failed for code in run.codes}
        self._before = before
        self._by_exit = all_by_exit(before)
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
        failed = is_failed(last, by_exit=self._by_exit)
        if failed and (self._old & {*last.codes} or not self._old):
            return "not cured"
        clean = sum(not is_failed(run, by_exit=self._by_exit) for run in runs)
        if self._clean_needed is not None and clean >= self._clean_needed:
            return "cured"
        for trigger in self.triggers:
            trial = exposure.weigh(trigger, self._before, runs)
            if trial.after[1] and trial.p <= SIGNIFICANCE:
                return "cured"
        return None
