"""The search for what failures have in common, and the price of having searched.

Each feature is a property that some trials have (a label's levels), or a number, of which any threshold and
any interval may be the property: races happen within intervals. The score of a property is its
log-likelihood ratio, less the logarithm of how many candidates its feature has. How high the best score of
all features gets by chance is found by handing the failures out again, at random, many times (Westfall and
Young's max-T): that accounts for the number of features, their dependence, and the search within each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.arrays import distinct, np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Draw = Callable[[int], Ints]
    """Hands the failures out again so many times: one row of trial numbers each."""

_SEED = 20_240_229
_BATCH = 50
_SETTLED = 20
"""Draws at least as good as what was observed, after which more would change nothing."""
_ENDS = 24
"""Failures at which an interval may begin or end, where there are more of them."""


class Best(Struct, frozen=True):
    """The best property of a feature: ``level`` of a label, ``low`` to ``high`` of a number (None: open)."""

    score: float
    level: int = -1
    low: float | None = None
    high: float | None = None


class Likelihood:
    """Log-likelihood ratios of tables with ``failures`` among ``trials``, for whole arrays of counts."""

    def __init__(self, failures: int, trials: int) -> None:
        self.failures, self.trials = failures, trials
        counts = np.arange(trials + 1, dtype=np.float64)
        self._table = counts * np.log(np.maximum(counts, 1.0))
        self._whole = self._table[trials] - self._table[failures] - self._table[trials - failures]

    def of(self, failing: Ints, having: Ints) -> Floats:
        """How much better ``failing`` of ``having`` explain the failures than one rate for all.

        Minus infinity where those that have the property fail no more often than the others.
        """
        table, failures, trials = self._table, self.failures, self.trials
        ratio: Floats = (
            table[failing]
            + table[having - failing]
            + table[failures - failing]
            + table[trials - having - failures + failing]
            - table[having]
            - table[trials - having]
            + self._whole
        )
        return np.where(failing * trials > failures * having, ratio, -np.inf)


class Labels:
    """A feature with levels: ``levels[i]`` is the number of trial i's."""

    def __init__(self, levels: Ints) -> None:
        known = distinct(levels)
        self._levels = np.searchsorted(known, levels)
        self._known = known
        self._having = np.bincount(self._levels, minlength=len(known))
        self._penalty = float(np.log(len(known)))

    def best(self, likelihood: Likelihood, failing: Ints) -> Best:
        """The level that fails most markedly, for one set of failures."""
        scores = self._scores(likelihood, failing[None, :])[0]
        place = int(np.argmax(scores))
        return Best(float(scores[place]) - self._penalty, level=int(self._known[place]))

    def scores(self, likelihood: Likelihood, failing: Ints) -> Floats:
        """The best score for each row of failures."""
        best: Floats = self._scores(likelihood, failing).max(axis=1) - self._penalty
        return best

    def _scores(self, likelihood: Likelihood, failing: Ints) -> Floats:
        rows, width = len(failing), len(self._having)
        cells = self._levels[failing] + np.arange(rows)[:, None] * width
        counts = np.bincount(cells.ravel(), minlength=rows * width).reshape(rows, width)
        return likelihood.of(counts, self._having[None, :])


class Numbers:
    """A feature that is a number; NaN where a trial has none."""

    def __init__(self, values: Floats) -> None:
        self._values = values
        order = np.sort(values[~np.isnan(values)])
        self._valid = len(order)
        self._start = np.searchsorted(order, values, side="left")  # NaN sorts behind all
        self._stop = np.searchsorted(order, values, side="right")
        different = max(2, len(distinct(order)))
        self._threshold_penalty = float(np.log(2 * different))
        self._interval_penalty = float(np.log(different * (different + 1) / 2))

    def scores(self, likelihood: Likelihood, failing: Ints) -> Floats:
        """The best score for each row of failures; of equal numbers only the outermost counts fully."""
        best = np.full(len(failing), -np.inf)
        for score, _, _ in self._candidates(likelihood, failing):
            best = np.maximum(best, score.max(axis=1))
        return best

    def best(self, likelihood: Likelihood, failing: Ints) -> Best:
        """The threshold or interval that fails most markedly, for one set of failures."""
        values = np.sort(self._values[failing])
        found = Best(-np.inf)
        for score, first, last in self._candidates(likelihood, failing[None, :]):
            place = int(np.argmax(score[0]))
            if score[0][place] > found.score:
                low = None if first is None else float(values[first[place]])
                high = None if last is None else float(values[last[place]])
                found = Best(float(score[0][place]), low=low, high=high)
        return found

    def _candidates(
        self, likelihood: Likelihood, failing: Ints
    ) -> Iterator[tuple[Floats, Ints | None, Ints | None]]:
        """Scores of "at least", "at most" and "between", with the failures at which each begins and ends."""
        start, stop = np.sort(self._start[failing], axis=1), np.sort(self._stop[failing], axis=1)
        numbered = (start < self._valid).sum(axis=1)[:, None]  # failures that have the number, first in order
        count = failing.shape[1]
        places = distinct(np.linspace(0, count - 1, min(count, _ENDS)).astype(np.int64))
        there = places[None, :] < numbered
        above = np.where(there, numbered - places, 0), np.where(there, self._valid - start[:, places], 1)
        yield self._scored(likelihood, *above, self._threshold_penalty), places, None
        below = np.where(there, places + 1, 0), np.where(there, stop[:, places], 1)
        yield self._scored(likelihood, *below, self._threshold_penalty), None, places
        left, right = np.triu_indices(len(places))
        inside = np.where(there[:, right], places[right] - places[left] + 1, 0)
        having = np.where(there[:, right], stop[:, places[right]] - start[:, places[left]], 1)
        yield (
            self._scored(likelihood, inside, having, self._interval_penalty),
            places[left],
            places[right],
        )

    @staticmethod
    def _scored(likelihood: Likelihood, failing: Ints, having: Ints, penalty: float) -> Floats:
        return likelihood.of(failing, having) - penalty


Feature = Labels | Numbers


def chance(
    features: Sequence[Feature], likelihood: Likelihood, observed: Floats, draw: Draw, *, draws: int = 1999
) -> Floats:
    """The adjusted p-value of each observed score: how often the best of all features gets as high.

    Ends early where chance does as well as the best of them often enough to settle the matter.
    """
    beaten = np.zeros(len(observed))
    done = 0
    while done < draws:
        count = min(_BATCH, draws - done)
        failing = draw(count)
        highest = np.max([feature.scores(likelihood, failing) for feature in features], axis=0)
        beaten += (highest[:, None] >= observed[None, :] - 1e-9).sum(axis=0)
        done += count
        if beaten.min() >= _SETTLED:
            break
    adjusted: Floats = (beaten + 1) / (done + 1)
    return adjusted


def shuffled(failures: int, trials: int) -> Draw:
    """Any trial may have failed as well."""
    generator = np.random.default_rng(_SEED)

    def draw(count: int) -> Ints:
        keys = generator.random((count, trials), dtype=np.float32)
        return np.argpartition(keys, failures - 1, axis=1)[:, :failures].astype(np.int64)

    return draw


def within_strata(failing: Ints, strata: Ints) -> Draw:
    """Any trial of the same stratum may have failed as well: what the strata explain stays explained."""
    generator = np.random.default_rng(_SEED)
    parts = [(np.flatnonzero(strata == s), int((strata[failing] == s).sum())) for s in distinct(strata)]
    parts = [(members, failures) for members, failures in parts if failures]

    def draw(count: int) -> Ints:
        chosen = []
        for members, failures in parts:
            keys = generator.random((count, len(members)), dtype=np.float32)
            chosen.append(members[np.argpartition(keys, failures - 1, axis=1)[:, :failures]])
        return np.concatenate(chosen, axis=1).astype(np.int64)

    return draw
