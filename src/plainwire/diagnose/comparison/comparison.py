"""What failing attempts have in common that succeeding ones lack.

One cause at a time: a mixture of causes has nothing in common. For each, all features are searched at once
and the search is paid for (``statistics.permutation``). What stands out is then held against the strongest
contrast, within its strata: what only goes along with it is named beside it or left out.

Nothing is said where the failures are too few; then how many more it would take.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire import plurals
from plainwire.arrays import np
from plainwire.diagnose.statistics.bursts import episodes
from plainwire.diagnose.statistics.intervals import wilson
from plainwire.diagnose.statistics.permutation import (
    Labels,
    Likelihood,
    Numbers,
    chance,
    shuffled,
    within_strata,
)
from plainwire.diagnose.statistics.prediction import failures_needed
from plainwire.model import Contrast

from .features import GROWING, NEVER_SHOWN_EMPTY, label_phrase, number_phrase, rank
from .trials import NONE, causes_of_requests, of_connections, of_requests

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from plainwire.diagnose.statistics.permutation import Best, Feature
    from plainwire.model import Connection, Finding

    from .trials import Trials

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

SIGNIFICANCE = 0.05
"""Corrected for all that was searched: one false claim in twenty cases at most (tests hold it)."""

FEWEST = 3
"""Failures below which only the mechanism is told: no pattern can be seen in one or two."""

_FEWEST_SUCCESSES = 5
"""Fewer successes cannot show what is usual."""

MOST_SUCCESSES = 3000

MOST_FAILURES = 500
"""More than these add nothing to the search but time; the counts that are told are of all."""

_MOST_LEVELS = 40

_AS_STRONG = 2.0
"""Scores that differ by less than this, in nats, say the same where each explains the other."""

_TENTH = 0.1
"""Shares below it are told with a decimal."""

_TOLD_P = 0.001
"""Smaller probabilities are not told: no model of traffic is so exact."""

_MOST_TOLD = 3


class Comparison(Struct, frozen=True):
    """The contrasts that stand out, those of each cause together, and what remains undecided, in words."""

    contrasts: list[Contrast]
    undecided: list[str]


class _Candidate(Struct, frozen=True):
    """One feature's best property: which trials have it, and how it is said."""

    name: str
    best: Best
    having: Bools
    phrase: str
    p: float


def compare(connections: Sequence[Connection], findings: Sequence[Finding]) -> Comparison:
    """Compare what the findings say failed with what succeeded in the same traffic."""
    if not any(finding.failure for finding in findings):
        return Comparison([], [])
    requests = _hopeless(connections, findings) or compare_trials(of_requests(connections, findings))
    attempts = compare_trials(of_connections(connections, findings))
    return Comparison(requests.contrasts + attempts.contrasts, requests.undecided + attempts.undecided)


def _hopeless(connections: Sequence[Connection], findings: Sequence[Finding]) -> Comparison | None:
    """The answer where no cause has enough failures: the table, which may be large, is not made."""
    causes = causes_of_requests(findings)
    counts = Counter(causes.values())
    if not counts or max(counts.values()) >= FEWEST:
        return None
    exchanges = (e for c in connections for e in c.exchanges)
    successes = sum(
        e.outcome == "complete" and e.id not in causes and e.request is not None and not e.pushed
        for e in exchanges
    )
    told = [_too_few(code, count, count, successes, "request") for code, count in counts.most_common()]
    return Comparison([], told if successes else [])


def compare_trials(trials: Trials, totals: Mapping[str | None, int] | None = None) -> Comparison:
    """Compare the failures of each cause in ``trials``, of one run or of many, with the successes.

    ``totals``: where the rows are a sample, how many there are in all of each cause and of the successes.
    """
    contrasts: list[Contrast] = []
    undecided: list[str] = []
    succeeded = [row for row, code in enumerate(trials.codes) if code is None]
    counts = Counter(code for code in trials.codes if code is not None)
    all_counts = Counter(trials.codes) if totals is None else Counter(totals)
    compared = sum(count >= FEWEST for count in counts.values())
    for code, _ in counts.most_common():
        failed = [row for row, other in enumerate(trials.codes) if other == code]
        if not succeeded:
            continue
        events = _events(trials, failed, succeeded)
        if len(events) < FEWEST or len(succeeded) < _FEWEST_SUCCESSES:
            undecided.append(_too_few(code, all_counts[code], len(events), all_counts[None], trials.unit))
            continue
        of = (all_counts[code], all_counts[None])
        cluster = _Cluster(trials, code, failed, succeeded, events, compared, of)
        found = cluster.contrasts()
        contrasts += found
        if not found:
            undecided.append(cluster.nothing())
    return Comparison(contrasts, undecided)


def _events(trials: Trials, failed: list[int], succeeded: list[int]) -> list[int]:
    """The failures that count as events of their own: not those that only go on with a burst.

    A burst may be one of a moment, over several connections, or one of a connection.
    """
    rows = np.array(failed + succeeded)
    times = np.array(trials.times, dtype=np.int64)[rows]
    connections = np.array(trials.connections, dtype=np.int64)[rows]
    left = np.arange(len(failed))
    for order in (np.argsort(times, kind="stable"), np.lexsort((times, connections))):
        place = np.empty(len(rows), dtype=np.int64)
        place[order] = np.arange(len(rows))
        kept = episodes(place[left].tolist(), len(rows))
        left = np.sort(order[kept])
    return [failed[number] for number in left.tolist()]


def _too_few(code: str, count: int, events: int, successes: int, unit: str) -> str:
    noun = plurals.count(count, "failure")
    noun += "" if events == count else f", in no more than {plurals.count(events, 'event')},"
    if successes < _FEWEST_SUCCESSES:
        return f"{code}: {noun}, but only {plurals.count(successes, unit)} that succeeded to compare with."
    more = FEWEST - events
    return (
        f"{code}: {noun} beside {plurals.count(successes, unit)} that succeeded: too few to see what they "
        f"share. {plurals.count(more, 'more failure')} may do, for a property that few others have."
    )


class _Cluster:
    """The failures of one cause beside all successes. ``of``: how many there are in all of both."""

    def __init__(
        self,
        trials: Trials,
        code: str,
        failed: list[int],
        succeeded: list[int],
        events: list[int],
        compared: int,
        of: tuple[int, int],
    ) -> None:
        self.trials, self.code, self.compared, self.of = trials, code, compared, of
        self.all_rows, self.all_failures = np.array(failed + succeeded), len(failed)
        searched = _evenly(np.flatnonzero(np.isin(failed, events)), MOST_FAILURES)
        others = _evenly(np.arange(len(failed), len(self.all_rows)), MOST_SUCCESSES)
        self.failures = len(searched)
        self.places = np.concatenate((searched, others))
        self.rows = self.all_rows[self.places]
        self.failing = np.arange(self.failures)
        self.likelihood = Likelihood(self.failures, len(self.rows))
        self.names, self.features, self.levels = self._varying()

    def _varying(self) -> tuple[list[str], list[Feature], dict[str, list[str]]]:
        """The features that differ between trials; a constant explains nothing."""
        found: dict[str, Feature] = {}
        levels: dict[str, list[str]] = {}
        places = self.rows.tolist()
        for name, column in self.trials.numbers.items():
            values = np.array([column[row] for row in places], dtype=np.float64)
            if name in GROWING:
                self._without_the_longest(values)
            known = values[~np.isnan(values)]
            if len(known) and known.min() < known.max() and not np.isnan(values[: self.failures]).all():
                found[name] = Numbers(values)
        for name, texts in self.trials.labels.items():
            column_texts = [texts[row] for row in places]
            if name in NEVER_SHOWN_EMPTY and set(column_texts[: self.failures]) == {NONE}:
                continue  # the failures did not come as far as to have any
            common = [text for text, _ in Counter(column_texts).most_common(_MOST_LEVELS)]
            if len(common) > 1:
                numbers = {text: number for number, text in enumerate(common)}
                levels[name] = common
                found[name] = Labels(np.array([numbers.get(text, len(common)) for text in column_texts]))
        names = sorted(found, key=rank)
        return names, [found[name] for name in names], levels

    def _without_the_longest(self, values: Floats) -> None:
        """Leave out the failure whose number is the highest of all, where one is.

        These numbers grow until the connection ends. Where failures end connections, that which lasted
        longest ends in one as a matter of course, at a constant rate of failure too: it shows nothing.
        """
        if np.isnan(values).all():
            return
        longest = np.nanargmax(values)
        if longest < self.failures:
            values[longest] = np.nan

    def contrasts(self) -> list[Contrast]:
        """What stands out, the strongest first; empty where nothing does."""
        if not self.features:
            return []
        bests = [feature.best(self.likelihood, self.failing) for feature in self.features]
        scores = np.array([best.score for best in bests])
        chances = (
            chance(self.features, self.likelihood, scores, shuffled(self.failures, len(self.rows)))
            * self.compared
        )  # Bonferroni
        told = [
            self._candidate(name, best, float(p))
            for name, best, p in zip(self.names, bests, chances, strict=True)
            if p <= SIGNIFICANCE and np.isfinite(best.score)
        ]
        if not told:
            return []
        return [self._contrast(main, also) for main, also in self._independent(told)]

    def _candidate(self, name: str, best: Best, p: float) -> _Candidate:
        if name in self.levels:
            known = self.levels[name]
            level = known[best.level] if best.level < len(known) else "another"
            texts = self.trials.labels[name]
            having = np.array([text == level for text in texts])[self.all_rows]
            return _Candidate(name, best, having, label_phrase(name, level), p)
        values = np.array(list(self.trials.numbers[name]), dtype=np.float64)[self.all_rows]
        having = ~np.isnan(values)
        having &= ~(values < (-math.inf if best.low is None else best.low))
        having &= ~(values > (math.inf if best.high is None else best.high))
        return _Candidate(name, best, having, number_phrase(name, best.low, best.high), p)

    def _independent(self, told: list[_Candidate]) -> list[tuple[_Candidate, list[str]]]:
        """The contrasts that stand beside each other, each with the names of those that say the same."""
        strongest = max(candidate.best.score for candidate in told)
        main = next(c for c in told if c.best.score >= strongest - _AS_STRONG)
        kept: list[tuple[_Candidate, list[str]]] = [(main, [])]
        for other in sorted(told, key=lambda c: -c.best.score):
            if other is main:
                continue
            if self._beyond(other, main) <= SIGNIFICANCE / len(told):
                if len(kept) < _MOST_TOLD and self._beyond(other, kept[-1][0]) <= SIGNIFICANCE:
                    kept.append((other, []))
            elif self._beyond(main, other) > SIGNIFICANCE:
                kept[0][1].append(other.name)
        return kept

    def _beyond(self, other: _Candidate, main: _Candidate) -> float:
        """The p-value of ``other`` among trials that are alike in ``main``."""
        strata = main.having[self.places].astype(np.int64)
        feature = self.features[self.names.index(other.name)]
        draw = within_strata(self.failing, strata)
        return float(chance([feature], self.likelihood, np.array([other.best.score]), draw, draws=499)[0])

    def _contrast(self, told: _Candidate, also: list[str]) -> Contrast:
        having = told.having
        failed, successes = self.all_failures, len(self.all_rows) - self.all_failures
        failing, succeeding = int(having[:failed].sum()), int(having[failed:].sum())
        rate_with, rate_without = self._rates(failing, succeeding)
        of_failures = self.code if failed == self.of[0] else f"{self.code}; drawn from {self.of[0]:,}"
        of_successes = "" if successes == self.of[1] else f" (drawn from {self.of[1]:,})"
        claim = (
            f"{failing} of {plurals.count(failed, 'failure')} ({of_failures}) {told.phrase}; {succeeding} of "
            f"{plurals.count(successes, 'success')}{of_successes} did. Such "
            f"{plurals.plural(2, self.trials.unit)} fail at "
            f"a rate of: {_percent(rate_with)}, the others at {_percent(rate_without)}; {_chance(told.p)}, "
            f"{plurals.count(len(self.names), 'property')} compared."
        )
        if also:
            claim += f" The same can be said of: {', '.join(name.replace('_', ' ') for name in also)}."
        return Contrast(
            code=self.code,
            feature=told.name,
            claim=claim,
            failing=(failing, failed),
            succeeding=(succeeding, successes),
            p=told.p,
            searched=len(self.names),
            rate_with=rate_with,
            rate_without=rate_without,
            low=told.best.low,
            high=told.best.high,
            also=also,
        )

    def _rates(self, failing: int, succeeding: int) -> tuple[tuple[float, float], tuple[float, float]]:
        """The rates of failure, each from and to, of trials that have it and of those that have not."""
        failed, successes = self.all_failures, len(self.all_rows) - self.all_failures
        if self.of == (failed, successes):
            return wilson(failing, failing + succeeding), wilson(
                failed - failing, failed + successes - failing - succeeding
            )
        few, many = wilson(failing, failed), wilson(succeeding, successes)
        return self._rate(few, many), self._rate((1 - few[1], 1 - few[0]), (1 - many[1], 1 - many[0]))

    def _rate(self, failing: tuple[float, float], succeeding: tuple[float, float]) -> tuple[float, float]:
        """The rate in all of those whose share of failures and of successes is known from a sample."""
        low, high = (
            self.of[0] * fails / (self.of[0] * fails + self.of[1] * succeeds or 1.0)
            for fails, succeeds in zip(failing, reversed(succeeding), strict=True)
        )
        return low, high

    def nothing(self) -> str:
        """Say that nothing stands out, and how many failures it would take."""
        searched, count = max(1, len(self.names)), self.of[0]
        rare, common = failures_needed(0.1, searched) or 0, failures_needed(0.5, searched) or 0
        head = (
            f"{self.code}: {plurals.count(count, 'failure', 'has')} nothing in common that chance could not "
            f"give ({plurals.count(searched, 'property')} compared with "
            f"{plurals.count(self.of[1], 'success')})."
        )
        if count >= common:
            return f"{head} Either what decides cannot be seen here, or they have more than one cause."
        if count >= rare:
            more = common - count
            return f"{head} A property that half of the successes have as well shows after {more} more."
        return (
            f"{head} A property that one success in ten has as well shows after {rare - count} more, one "
            f"that half of them have after {common - count} more."
        )


def _evenly(places: Ints, most: int) -> Ints:
    """All of them, or so many, from beginning to end."""
    if len(places) <= most:
        return places
    return places[np.linspace(0, len(places) - 1, most).astype(np.int64)]


def _percent(rate: tuple[float, float]) -> str:
    low, high = (f"{share * 100:.0f}" if share >= _TENTH else f"{share * 100:.2g}" for share in rate)
    return f"{low} to {high} %"


def _chance(p: float) -> str:
    return (
        f"by chance with probability {p:.2g}"
        if p > _TOLD_P
        else f"by chance with probability below {_TOLD_P}"
    )
