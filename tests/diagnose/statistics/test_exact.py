"""Against scipy, and against the textbook's own table."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from plainwire.diagnose.statistics import exact

COUNTS = st.integers(0, 60)


@settings(max_examples=200, deadline=None)
@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_fisher_agrees_with_scipy(a: int, b: int, c: int, d: int) -> None:
    table = np.array([[a, b], [c, d]])
    greater, less = (
        stats.fisher_exact(table, alternative="greater")[1],
        stats.fisher_exact(table, alternative="less")[1],
    )
    assert exact.fisher_greater(a, b, c, d) == pytest.approx(greater, rel=1e-6, abs=1e-12)
    assert exact.fisher_less(a, b, c, d) == pytest.approx(less, rel=1e-6, abs=1e-12)


def test_lady_tasting_tea() -> None:
    """Fisher, The Design of Experiments (1935), chapter 2: 17 of 70 for three of four cups or better."""
    assert exact.fisher_greater(3, 1, 1, 3) == pytest.approx(17 / 70)


def test_large_counts_keep_their_precision() -> None:
    expected = stats.fisher_exact(np.array([[7, 0], [200, 99_800]]), alternative="greater")[1]
    assert exact.fisher_greater(7, 0, 200, 99_800) == pytest.approx(expected, rel=1e-6)


def test_a_table_without_choice_says_nothing() -> None:
    assert exact.fisher_greater(5, 0, 300, 0) == pytest.approx(1.0)
    assert exact.fisher_less(0, 0, 3, 4) == pytest.approx(1.0)


def test_negative_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        exact.fisher_less(-1, 2, 3, 4)


@pytest.mark.parametrize(("k", "n", "rate"), [(0, 10, 0.3), (3, 10, 0.1), (10, 10, 0.5), (12, 400, 0.01)])
def test_binomial_tail_agrees_with_scipy(k: int, n: int, rate: float) -> None:
    assert exact.binomial_greater(k, n, rate) == pytest.approx(stats.binom.sf(k - 1, n, rate), rel=1e-9)


def test_twelve_failures_refute_a_cause_that_predicts_a_third_of_one() -> None:
    assert exact.poisson_tail(12, 0.3) == pytest.approx(2 * stats.poisson.sf(11, 0.3), rel=1e-3, abs=1e-15)
    assert exact.poisson_tail(2, 2.4) == 1.0
    assert exact.poisson_tail(0, 0.0) == 1.0
    assert exact.poisson_tail(1, 0.0) == 0.0
