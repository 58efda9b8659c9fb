"""How far the clocks of two captures are apart. Times in ms."""

from __future__ import annotations

import random

from plainwire.comparing.clocks import aligned, is_reversed

MS = 1_000_000


def test_the_bounds_hold_the_true_difference_whatever_the_way_takes() -> None:
    chance = random.Random(7)
    for _ in range(200):
        ahead = chance.randrange(-5_000, 5_000) * MS
        there = [ahead + chance.randrange(1, 80) * MS for _ in range(chance.randrange(1, 20))]
        back = [ahead - chance.randrange(1, 80) * MS for _ in range(chance.randrange(1, 20))]
        clocks = aligned(there, back)
        assert clocks is not None
        assert clocks.low_ns <= ahead <= clocks.high_ns
        assert abs(clocks.ahead_ns - ahead) <= clocks.error_ns + 1
        assert clocks.count == len(there) + len(back)
        assert not is_reversed(there, back)


def test_the_place_nearer_to_the_client_is_where_requests_pass_first() -> None:
    assert not is_reversed([3040 * MS, 3041 * MS], [2960 * MS])
    assert is_reversed([2960 * MS], [3040 * MS, 3041 * MS])


def test_one_direction_alone_bounds_it_on_one_side() -> None:
    clocks = aligned([5 * MS, 3 * MS], [])
    assert clocks is not None
    assert (clocks.high_ns, clocks.error_ns) == (3 * MS, 0)
    assert aligned([], []) is None
