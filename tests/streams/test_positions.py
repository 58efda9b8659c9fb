"""The way from an offset back to its packet is the same for few packets and for many."""

from __future__ import annotations

from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from plainwire.streams.positions import Positions

_SIZES = st.lists(st.integers(0, 3), min_size=1, max_size=90)


def _expected(starts: list[int], offset: int) -> int:
    """The last packet that begins at or before the offset; the first where none does."""
    return max((n for n, start in enumerate(starts) if start <= offset), default=0)


@given(_SIZES, st.data())
def test_an_offset_is_that_of_the_last_packet_that_begins_at_or_before_it(
    sizes: list[int], data: st.DataObject
) -> None:
    starts = list(accumulate(sizes))
    positions = Positions()
    for number, start in enumerate(starts):
        positions.add(start, number, number * 1000, number + 7)
    offsets = data.draw(st.lists(st.integers(-1, starts[-1] + 3), max_size=9))
    numbers, times = positions.locate(offsets)
    assert numbers == [_expected(starts, offset) for offset in offsets]
    assert times == [number * 1000 for number in numbers]
    assert positions.acknowledged(offsets) == [number + 7 for number in numbers]
    assert [positions.begins(o) for o in offsets] == [o in starts for o in offsets]


@given(_SIZES, st.data())
def test_what_is_forgotten_is_not_needed_behind_it(sizes: list[int], data: st.DataObject) -> None:
    starts = list(accumulate(sizes))
    positions = Positions()
    for number, start in enumerate(starts):
        positions.add(start, number, number, number)
    before = data.draw(st.integers(0, starts[-1]))
    positions.forget(before)
    offsets = list(range(before, starts[-1] + 2))
    assert positions.acknowledged(offsets) == positions.locate(offsets)[0]
    assert positions.locate(offsets)[0] == [_expected(starts, offset) for offset in offsets]


def test_nothing_came() -> None:
    positions = Positions()
    assert positions.locate([0, 7]) == ([0, 0], [0, 0])
    assert positions.acknowledged([0]) == [-1]
    assert not positions.begins(0)
    positions.forget(5)
