"""Medians, as the standard library has them."""

from __future__ import annotations

import statistics

from hypothesis import given
from hypothesis import strategies as st

from plainwire.diagnose.statistics.median import median, median_low


@given(st.lists(st.integers(-(1 << 50), 1 << 50), min_size=1))
def test_medians_agree_with_the_standard_library(values: list[int]) -> None:
    assert median(values) == statistics.median(values)
    assert median_low(values) == statistics.median_low(values)
