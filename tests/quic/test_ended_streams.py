"""Which streams are over: a set, for ids in any order; few of them are kept however many there were."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from plainwire.quic.ended_streams import MOST_APART, EndedStreams


@given(st.lists(st.integers(0, 60), max_size=80), st.integers(0, 60))
def test_it_is_a_set(ended: list[int], asked: int) -> None:
    streams = EndedStreams()
    for stream in ended:
        streams.add(stream)
    assert (asked in streams) == (asked in ended)


def test_streams_in_order_leave_nothing_to_keep() -> None:
    streams = EndedStreams()
    for number in range(3 * MOST_APART):
        streams.add(4 * number)
    assert 8 * MOST_APART in streams
    assert 1 not in streams
    assert not streams._apart


def test_where_every_other_one_is_left_out_the_newest_are_told_apart() -> None:
    streams = EndedStreams()
    last = 8 * 5 * MOST_APART
    for stream in range(0, last + 1, 8):
        streams.add(stream)
    assert all(stream in streams for stream in range(0, last + 1, 8))
    assert last - 4 not in streams
    assert max(map(len, streams._apart.values())) <= MOST_APART
