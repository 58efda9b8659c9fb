"""Marks: as long as what they stand for, equal for equals, and nothing of it in them."""

from __future__ import annotations

from hpack.huffman import HuffmanEncoder
from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH
from hypothesis import given
from hypothesis import strategies as st

from plainwire.share.marks import Marker

MARKER = Marker(b"k" * 32)
VALUES = st.binary(min_size=1, max_size=80).filter(lambda value: not set(value) & set(range(33)))


@given(VALUES)
def test_a_mark_has_the_length_of_its_value_plain_and_in_the_huffman_code(value: bytes) -> None:
    """By hpack's encoder."""
    coder = HuffmanEncoder(REQUEST_CODES, REQUEST_CODES_LENGTH)
    mark = MARKER.mark(value)
    assert len(mark) == len(value)
    assert len(coder.encode(mark)) == len(coder.encode(value))


def test_equal_values_have_equal_marks_and_others_do_not() -> None:
    values = [f"Maulwurf{number:03}Zebra".encode() for number in range(500)]
    marks = [MARKER.mark(value) for value in values]
    assert marks == [MARKER.mark(value) for value in values]
    assert len(set(marks)) == len(marks)
    assert set(marks).isdisjoint(Marker(b"another").mark(value) for value in values)


@given(VALUES)
def test_a_mark_is_not_its_value(value: bytes) -> None:
    if len(value) > 3:
        assert MARKER.mark(value) != value


def test_bodies_are_marked_by_their_length_and_a_name() -> None:
    assert len(MARKER.body(b"a" * 1000)) == 1000
    assert MARKER.body(b"a" * 1000) == MARKER.body(b"a" * 1000)
    assert MARKER.body(b"a" * 1000) != MARKER.body(b"b" * 1000)
    assert MARKER.body(b"abc") != b"abc"


def test_the_key_shows_in_no_representation() -> None:
    assert "secret" not in repr(Marker(b"secret"))
