"""Durations with unfinished ones, limits that are never seen, bursts: against scipy and by enumeration."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from plainwire.diagnose.statistics import bursts, isotonic, survival

DURATIONS = st.lists(st.integers(1, 50), min_size=1, max_size=40)


@settings(max_examples=100, deadline=None)
@given(DURATIONS, st.lists(st.integers(1, 50), max_size=40))
def test_kaplan_meier_agrees_with_scipy(ended: list[int], unfinished: list[int]) -> None:
    ours = survival.kaplan_meier(ended, unfinished)
    theirs = stats.ecdf(stats.CensoredData(uncensored=ended, right=unfinished)).sf
    for time in range(52):
        assert ours.after(time) == pytest.approx(float(theirs.evaluate(np.array([time]))[0]), abs=1e-12)


def test_a_configured_timer_is_a_cliff() -> None:
    timer = survival.kaplan_meier([2000, 2001, 2002], [50, 400, 1900, 1990])
    assert timer.ends_within(2000, 2002) == 1.0
    scattered = survival.kaplan_meier([300, 2000, 9000], [5000, 6000, 8000])
    assert scattered.ends_within(2000, 2000) < 0.5


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_rising_fit_agrees_with_scipy(values: list[float]) -> None:
    expected = optimize.isotonic_regression(np.array(values)).x
    assert isotonic.rising(values) == pytest.approx(expected, abs=1e-9)


def test_limit_lies_between_the_living_and_the_dead() -> None:
    assert isotonic.limit([1, 40, 290], [350, 600]) == isotonic.Limit(290, 350, clean=True)


def test_limit_bears_a_stray_trial() -> None:
    found = isotonic.limit([*range(0, 300, 10), 400], [5, *range(350, 900, 10)])
    assert found is not None
    assert not found.clean
    assert 280 <= found.low < found.high <= 410


def test_limit_needs_both_kinds_in_order() -> None:
    assert isotonic.limit([], [5]) is None
    assert isotonic.limit([7], []) is None
    assert isotonic.limit([50, 60, 70], [1, 2]) is None


@pytest.mark.parametrize(("failures", "successes"), [(3, 5), (4, 4), (1, 6)])
def test_runs_test_counts_all_orders(failures: int, successes: int) -> None:
    total = failures + successes
    orders = []
    for places in itertools.combinations(range(total), failures):
        outcomes = [place in places for place in range(total)]
        orders.append((1 + sum(a != b for a, b in itertools.pairwise(outcomes)), outcomes))
    for runs, outcomes in orders:
        expected = sum(other <= runs for other, _ in orders) / len(orders)
        assert bursts.runs_test(outcomes) == pytest.approx(expected)


def test_runs_test_approximates_where_there_are_many() -> None:
    draw = np.random.default_rng(3)
    scattered = [bool(x) for x in draw.random(1000) < 0.3]
    assert bursts.runs_test(scattered) > 0.01
    assert bursts.runs_test(sorted(scattered)) < 1e-9


def test_no_failure_is_no_burst() -> None:
    assert bursts.runs_test([False] * 9) == 1.0


def test_scattered_failures_are_events_of_their_own() -> None:
    places = [12, 55, 80, 131, 170]
    assert bursts.episodes(places, 200) == places


def test_a_burst_is_one_event() -> None:
    assert bursts.episodes([50, 51, 52, 53, 54, 150, 151, 152], 200) == [50, 150]


def test_failures_at_regular_distance_are_no_burst() -> None:
    places = list(range(5, 200, 10))
    assert bursts.episodes(places, 200) == places
