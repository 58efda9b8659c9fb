"""How many more runs, and how sure a fix is: against scipy, closed forms, and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from plainwire.diagnose.statistics import prediction


@pytest.mark.parametrize(
    ("rate", "runs"), [(0.1, 29), (0.05, 59), (0.02, 149), (0.01, 299), (0.005, 598), (0.001, 2995)]
)
def test_a_known_rate_needs_so_many_runs(rate: float, runs: int) -> None:
    """log(0.05) / log(1 - rate), rounded up."""
    assert prediction.runs_to_see_again(round(rate * 1000), 1000).if_rate_is_as_seen == runs


@pytest.mark.parametrize(("k", "n"), [(1, 100), (3, 200), (5, 1000), (0, 50), (7, 7)])
def test_prediction_agrees_with_scipys_beta_binomial(k: int, n: int) -> None:
    more = prediction.runs_to_see_again(k, n)
    assert more.predictive is not None
    none_seen = [
        float(stats.betabinom.pmf(0, tries, k + 0.5, n - k + 0.5))
        for tries in (more.predictive - 1, more.predictive)
    ]
    assert none_seen[1] <= 0.05 < none_seen[0]


@pytest.mark.parametrize(("k", "n"), [(1, 100), (3, 200), (5, 1000)])
def test_cautious_number_rests_on_the_lower_bound(k: int, n: int) -> None:
    lowest = float(stats.beta.ppf(0.05, k, n - k + 1))
    more = prediction.runs_to_see_again(k, n)
    assert more.cautious == math.ceil(math.log(0.05) / math.log1p(-lowest))


def test_never_seen_predicts_but_promises_nothing() -> None:
    more = prediction.runs_to_see_again(0, 50)
    assert more.if_rate_is_as_seen is None
    assert more.cautious is None


def test_always_seen_is_seen_again_at_once() -> None:
    assert prediction.runs_to_see_again(5, 5).if_rate_is_as_seen == 1


@pytest.mark.parametrize(("k", "n"), [(1, 100), (3, 200), (5, 1000), (12, 12)])
def test_clean_runs_needed_is_where_fishers_test_turns(k: int, n: int) -> None:
    needed = prediction.clean_runs_needed(k, n)
    assert needed is not None

    def p(after: int) -> float:
        table = np.array([[k, n - k], [0, after]])
        return float(stats.fisher_exact(table, alternative="greater")[1])

    assert p(needed) <= 0.05 + 1e-9 < p(needed - 1)


def test_aimed_trials_beat_blind_ones() -> None:
    aimed, blind = prediction.after_fix(12, 12, 0, 12), prediction.after_fix(1, 100, 0, 300)
    assert aimed.p == pytest.approx(1 / math.comb(24, 12))
    assert aimed.p < 0.001
    assert blind.p > 0.05
    assert aimed.bayes_factor is not None
    assert blind.bayes_factor is not None
    assert aimed.bayes_factor > 100 > blind.bayes_factor


def test_a_failure_after_the_fix_has_no_factor_for_the_cure() -> None:
    assert prediction.after_fix(5, 100, 1, 100).bayes_factor is None


def test_no_failure_bounds_the_rate() -> None:
    assert prediction.rate_is_below(300) == pytest.approx(1 - 0.05 ** (1 / 300))
    assert prediction.rate_is_below(0) == 1.0


@pytest.mark.parametrize(
    ("prevalence", "needed"),
    [(0.01, (1, 2, 2)), (0.05, (1, 3, 3)), (0.1, (2, 3, 4)), (0.25, (3, 5, 6)), (0.5, (5, 10, 11))],
)
def test_failures_needed_for_a_property_to_be_telling(prevalence: float, needed: tuple[int, ...]) -> None:
    """Prevalence ** k, times the number of features, falls to 0.05."""
    for features, count in zip((1, 30, 100), needed, strict=True):
        assert prediction.failures_needed(prevalence, features) == count
        assert prevalence**count * features <= 0.05 + 1e-12 < prevalence ** (count - 1) * features


def test_a_property_of_all_is_never_telling() -> None:
    assert prediction.failures_needed(1.0) is None
