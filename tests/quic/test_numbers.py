"""Packet numbers that are missing, and those that only seem so."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from plainwire.quic.numbers import PacketNumbers


def numbers(*some: int) -> PacketNumbers:
    made = PacketNumbers()
    for number in some:
        made.add(number)
    return made


def test_a_number_between_others_is_missing() -> None:
    assert numbers(0, 1, 3, 6).missing_beside([numbers(0, 1), numbers(0)]) == 3


def test_a_sender_that_numbers_all_spaces_in_one_row_leaves_out_none() -> None:
    assert numbers(2, 5, 7, 8).missing_beside([numbers(0, 1, 4), numbers(3, 6)]) == 0


def test_a_sender_that_numbers_all_spaces_in_one_row_may_lose_some() -> None:
    assert numbers(2, 5, 9).missing_beside([numbers(0, 1, 4), numbers(3, 6)]) == 2


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 2))))
def test_beside_other_spaces_as_sets_say(drawn: list[tuple[int, int]]) -> None:
    spaces: list[set[int]] = [set(), set(), set()]
    made = (PacketNumbers(), PacketNumbers(), PacketNumbers())
    for number, space in drawn:
        spaces[space].add(number)
        made[space].add(number)
    own, *others = spaces
    every = set(range(min(own, default=0), max(own, default=-1) + 1))
    shared = sum(len(space) for space in spaces) == len(set().union(*spaces))
    missing = every - own - (set().union(*others) if shared else set())
    assert made[0].missing_beside(made[1:]) == len(missing)
