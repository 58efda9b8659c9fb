"""Against scipy, and against the published figures of rates at small counts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from plainwire.diagnose.statistics import intervals, special


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_intervals_agree_with_scipy(counts: tuple[int, int]) -> None:
    k, n = counts
    result = stats.binomtest(k, n)
    exact = result.proportion_ci(0.95, method="exact")
    score = result.proportion_ci(0.95, method="wilson")
    assert intervals.clopper_pearson(k, n) == pytest.approx((exact.low, exact.high), rel=1e-6, abs=1e-9)
    assert intervals.wilson(k, n) == pytest.approx((score.low, score.high), rel=1e-6, abs=1e-9)


@settings(max_examples=150, deadline=None)
@given(st.floats(0.001, 0.999), st.floats(0.2, 500), st.floats(0.2, 500))
def test_incomplete_beta_agrees_with_scipy(x: float, a: float, b: float) -> None:
    assert special.beta_below(x, a, b) == pytest.approx(stats.beta.cdf(x, a, b), rel=1e-6, abs=1e-12)


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [(1, 100, 0.0018, 0.055), (3, 200, 0.0051, 0.043), (5, 1000, 0.0021, 0.012), (0, 60, 0.0, 0.06)],
)
def test_wilson_at_small_counts(k: int, n: int, low: float, high: float) -> None:
    """Figures of Brown, Cai and DasGupta's formula, to the digits given."""
    assert intervals.wilson(k, n) == pytest.approx((low, high), rel=0.03)


def test_rule_of_three() -> None:
    """Hanley and Lippman-Hand 1983: after n successes the rate of failure is below 3 / n."""
    for n, bound in ((60, 0.049), (300, 0.01), (3000, 0.001)):
        assert intervals.upper_bound(0, n) == pytest.approx(bound, rel=0.02)


def test_nothing_tried_says_nothing() -> None:
    assert intervals.wilson(0, 0) == (0.0, 1.0)
    assert intervals.clopper_pearson(0, 0) == (0.0, 1.0)
    assert intervals.lower_bound(0, 0) == 0.0
    assert intervals.upper_bound(0, 0) == 1.0
