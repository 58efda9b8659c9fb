"""Segments: the columns that went in come out, in less memory."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plainwire.model import Segments

NAMES = ("number", "time_ns", "side", "seq", "ack", "length", "flags", "window", "ttl", "ip_id")

numbers = st.one_of(
    st.integers(-1, 1), st.integers(0, 70_000), st.integers(0, 2**33), st.integers(-(2**63), 2**63 - 1)
)


def columns(rows: list[list[int]]) -> list[np.ndarray[tuple[int], np.dtype[np.int64]]]:
    return [np.array(column, dtype=np.int64) for column in zip(*rows, strict=True)]


@given(
    st.lists(st.lists(numbers, min_size=10, max_size=10), min_size=1, max_size=3), st.sampled_from([1, 40])
)
def test_columns_come_out_as_they_went_in(rows: list[list[int]], times: int) -> None:
    given_columns = columns(rows * times)
    segments = Segments(*given_columns)
    assert len(segments) == len(rows) * times
    for name, column in zip(NAMES, given_columns, strict=True):
        out = getattr(segments, name)
        assert out.dtype == np.int64
        assert out.tolist() == column.tolist()


@pytest.mark.parametrize("step", [1000, 1001])
def test_many_segments_take_less_than_half_of_what_their_numbers_would(step: int) -> None:
    count = 2048
    rows = [
        [n + 5, 1_700_000_000_000_000_000 + n * step, n % 2, n * 1448, n * 7, 1448 * (n % 2), 16, 501, 64, n]
        for n in range(count)
    ]
    segments = Segments(*columns(rows))
    assert segments.time_ns[-1] - segments.time_ns[0] == (count - 1) * step
    assert sys.getsizeof(segments._packed) < count * 10 * 8 / 2
