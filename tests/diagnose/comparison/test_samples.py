"""Samples of tables: merged in any order they are the same, and bounded; what is said holds for all rows."""

from __future__ import annotations

import itertools

import numpy as np
import orjson

from plainwire.diagnose.comparison.comparison import MOST_FAILURES, MOST_SUCCESSES, compare_trials
from plainwire.diagnose.comparison.samples import TrialsSample, compare_sample, merge, sample
from plainwire.diagnose.comparison.trials import Trials, join

CODE = "keepalive-idle-race"


def _table(seed: int, rows: int = 40, share: float = 0.2) -> Trials:
    """Requests that fail where they went to the second of three servers, and seldom elsewhere."""
    draw = np.random.default_rng(seed)
    servers = draw.integers(0, 3, rows)
    failed = draw.random(rows) < np.where(servers == 1, share, share / 50)
    return Trials(
        "request",
        [CODE if each else None for each in failed],
        list(range(rows)),
        [(seed * rows + row) * 10**9 for row in range(rows)],
        {"idle_before": draw.random(rows).tolist()},
        {"server": [f"203.0.113.{number}:443" for number in servers]},
    )


def _rows(merged: TrialsSample) -> list[tuple[int, str | None, int]]:
    table = merged.trials
    return sorted(zip(merged.ranks, table.codes, table.times, strict=True))


def test_what_is_merged_first_makes_no_difference() -> None:
    made = [sample(_table(seed, rows=1500), f"capture {seed}") for seed in range(5)]
    whole = merge(made)
    assert whole.totals == {"": sum(s.totals[""] for s in made), CODE: sum(s.totals[CODE] for s in made)}
    for order in itertools.islice(itertools.permutations(made), 0, 120, 29):
        again = merge([merge(order[:2]), merge([merge(order[2:4]), order[4]])])
        assert _rows(again) == _rows(whole)
        assert again.totals == whole.totals


def test_it_does_not_grow() -> None:
    merged = sample(_table(0, 100), "0")
    for seed in range(1, 8):
        merged = merge([merged, sample(_table(seed, rows=4000, share=0.9), str(seed))])
    assert merged.trials.codes.count(None) == MOST_SUCCESSES
    assert merged.trials.codes.count(CODE) == MOST_FAILURES
    assert sum(merged.totals.values()) == 28_100


def test_where_all_rows_are_kept_the_comparison_is_that_of_the_whole_table() -> None:
    tables = [_table(seed) for seed in range(6)]
    merged = merge([sample(table, str(seed)) for seed, table in enumerate(tables)])
    whole, sampled = compare_trials(join(tables)), compare_sample(merged)
    assert [each.feature for each in sampled.contrasts] == ["server"]
    assert sampled.contrasts == whole.contrasts


def test_rates_are_told_of_all_where_rows_were_left_out() -> None:
    merged = merge([sample(_table(seed, rows=5000), str(seed)) for seed in range(8)])
    found = compare_sample(merged).contrasts[0]
    assert found.feature == "server"
    assert found.succeeding[1] == MOST_SUCCESSES
    assert f"500 failures ({CODE}; drawn from {merged.totals[CODE]:,})" in found.claim
    assert f"3000 successes (drawn from {merged.totals['']:,})" in found.claim
    assert found.rate_with[0] <= 0.2 <= found.rate_with[1]
    assert found.rate_without[0] <= 0.004 <= found.rate_without[1]


def test_it_survives_json() -> None:
    merged = sample(_table(3), "3")
    idle = merged.trials.numbers["idle_before"]
    merged.trials.numbers["idle_before"] = [float("nan"), *idle[1:]]
    read = TrialsSample.from_dict(orjson.loads(orjson.dumps(merged.as_dict())))
    assert _rows(read) == _rows(merged)
    assert np.isnan(read.trials.numbers["idle_before"][0])
