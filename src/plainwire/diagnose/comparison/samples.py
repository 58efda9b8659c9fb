"""Tables of attempts that merge without growing: what a comparison over very many captures is made of.

Of each cause, and of the successes, the rows of lowest rank are kept, as many as a comparison searches, and
all are counted. A row's rank is drawn once, from what its table is called: so the rows of several samples
that are kept in one are those that would have been kept of all rows at once, whatever was merged first.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from plainwire.arrays import np

from .comparison import MOST_FAILURES, MOST_SUCCESSES, Comparison, compare_trials
from .trials import Trials, join

if TYPE_CHECKING:
    from collections.abc import Sequence

_SUCCESS = ""
"""Stands for the successes among the counts of causes."""
_MOST_CAUSES = 100
"""What more causes there are is not compared."""


class TrialsSample(Struct):
    """Some rows of a table with their ranks, and how many there were of each cause."""

    trials: Trials
    ranks: list[int]
    totals: dict[str, int]

    def as_dict(self) -> dict[str, Any]:
        """The sample as values that JSON knows."""
        return {"trials": self.trials.as_dict(), "ranks": self.ranks, "totals": self.totals}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> TrialsSample:
        """Read what ``as_dict`` gave."""
        return cls(Trials.from_dict(values["trials"]), values["ranks"], values["totals"])


def sample(trials: Trials, called: str) -> TrialsSample:
    """A sample of one table; ``called`` is to tell it from all others."""
    seed = hashlib.sha256(f"{trials.unit} {called}".encode("utf-8", "surrogateescape")).digest()
    ranks: list[int] = np.random.PCG64(int.from_bytes(seed[:16])).random_raw(len(trials)).tolist()
    totals = Counter(_SUCCESS if code is None else code for code in trials.codes)
    return _lowest(TrialsSample(trials, ranks, dict(totals)))


def merge(samples: Sequence[TrialsSample]) -> TrialsSample:
    """One sample of all tables that these are samples of."""
    totals: Counter[str] = Counter()
    for each in samples:
        totals.update(each.totals)
    ranks = [rank for each in samples for rank in each.ranks]
    return _lowest(TrialsSample(join([each.trials for each in samples]), ranks, dict(totals)))


def _lowest(whole: TrialsSample) -> TrialsSample:
    """What is to be kept of it."""
    codes, ranks = whole.trials.codes, whole.ranks
    common = sorted(whole.totals.items(), key=lambda item: (item[0] != _SUCCESS, -item[1], item[0]))
    totals = dict(common[: _MOST_CAUSES + 1])
    left = {code: MOST_SUCCESSES if code == _SUCCESS else MOST_FAILURES for code in totals}
    kept = []
    for row in sorted(range(len(codes)), key=ranks.__getitem__):
        code = codes[row] or _SUCCESS
        if left.get(code, 0):
            left[code] -= 1
            kept.append(row)
    kept.sort()
    return TrialsSample(whole.trials.rows(kept), [ranks[row] for row in kept], totals)


def compare_sample(merged: TrialsSample) -> Comparison:
    """Compare as ``compare_trials``; where rows were left out, rates are told of all of them."""
    trials = merged.trials
    if trials.codes and "time" in trials.numbers:
        first = min(trials.times)  # each table had its own
        trials.numbers["time"] = [(time - first) / 1e9 for time in trials.times]
    totals = {code or None: count for code, count in merged.totals.items()}
    return compare_trials(trials, totals)
