"""The search over features: what it finds, and that its p-values are honest."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from plainwire.diagnose.statistics.permutation import (
    Feature,
    Labels,
    Likelihood,
    Numbers,
    chance,
    shuffled,
    within_strata,
)


def _binomial(k: int, n: int) -> float:
    """The largest log-likelihood of k in n."""
    return sum(count * math.log(count / n) for count in (k, n - k) if count)


@pytest.mark.parametrize(("failing", "having"), [(3, 5), (4, 4), (2, 3), (4, 20)])
def test_likelihood_is_that_of_two_rates_against_one(failing: int, having: int) -> None:
    ratio = float(Likelihood(4, 30).of(np.array([failing]), np.array([having]))[0])
    expected = _binomial(failing, having) + _binomial(4 - failing, 30 - having) - _binomial(4, 30)
    assert ratio == pytest.approx(expected)


def test_a_property_that_fails_less_often_explains_nothing() -> None:
    assert Likelihood(4, 30).of(np.array([0, 1]), np.array([10, 15])).tolist() == [-math.inf, -math.inf]


def test_best_interval_is_the_best_of_all_intervals() -> None:
    draw = np.random.default_rng(11)
    values = np.round(draw.random(40), 2)
    failing = draw.choice(40, 6, replace=False)
    likelihood = Likelihood(6, 40)
    feature = Numbers(values)
    failed = np.zeros(40, dtype=bool)
    failed[failing] = True
    levels = len(set(values.tolist()))
    best = -math.inf
    for low, high in itertools.combinations_with_replacement(sorted(set(values.tolist())), 2):
        inside = (values >= low) & (values <= high)
        score = likelihood.of(np.array([(failed & inside).sum()]), np.array([inside.sum()]))[0]
        best = max(best, float(score) - math.log(levels * (levels + 1) / 2))
        if low == min(values) or high == max(values):
            best = max(best, float(score) - math.log(2 * levels))
    assert feature.best(likelihood, failing).score == pytest.approx(best)
    assert feature.scores(likelihood, failing[None, :])[0] == pytest.approx(best)


def test_numbers_that_some_trials_lack() -> None:
    values = np.array([1.0, 2.0, 9.0, 9.1, 9.2, math.nan, math.nan, 3.0])
    found = Numbers(values).best(Likelihood(4, 8), np.array([2, 3, 4, 5]))
    assert (found.low, found.high) == (9.0, None)


def test_without_a_cause_p_values_are_uniform() -> None:
    """Kolmogorov and Smirnov see no difference from a uniform distribution that would be too small."""
    values = []
    draw = np.random.default_rng(17)
    for _ in range(120):
        features: list[Feature] = [
            Numbers(draw.random(60)),
            Numbers(draw.random(60).round(1)),
            Labels(draw.integers(0, 5, 60)),
        ]
        failing = draw.choice(60, 6, replace=False)
        likelihood = Likelihood(6, 60)
        scores = np.array([feature.best(likelihood, failing).score for feature in features])
        values.append(float(chance(features, likelihood, scores, shuffled(6, 60), draws=199).min()))
    assert stats.kstest(values, "uniform", alternative="greater").pvalue > 0.01


def test_strata_keep_what_they_explain() -> None:
    """Ten of ten failures in one stratum: any other feature that only goes along loses its weight."""
    strata = np.repeat([0, 1], [90, 10])
    failing = np.arange(90, 100)
    along = Labels(strata)
    likelihood = Likelihood(10, 100)
    score = np.array([along.best(likelihood, failing).score])
    assert chance([along], likelihood, score, shuffled(10, 100), draws=199)[0] == pytest.approx(1 / 200)
    assert chance([along], likelihood, score, within_strata(failing, strata), draws=199)[0] == 1.0
