"""Numbers agree with their nouns and verbs."""

from __future__ import annotations

import pytest

from plainwire.plurals import count, times


@pytest.mark.parametrize(
    ("number", "noun", "verb", "words"),
    [
        (0, "request", "", "0 requests"),
        (1, "request", "", "1 request"),
        (2, "clean run", "", "2 clean runs"),
        (1, "packet", "was", "1 packet was"),
        (7, "packet", "was", "7 packets were"),
        (1, "request", "does", "1 request does"),
        (2, "line", "is", "2 lines are"),
        (2, "run", "shows", "2 runs show"),
    ],
)
def test_noun_and_verb_agree_with_the_number(number: int, noun: str, verb: str, words: str) -> None:
    assert count(number, noun, verb) == words


def test_how_often() -> None:
    assert [times(number) for number in (0, 1, 2)] == ["0 times", "once", "2 times"]
