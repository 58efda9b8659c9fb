"""Numbers agree with their nouns and verbs."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import plainwire
from plainwire.plurals import alternatives, count, some, times

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCES = Path(plainwire.__file__).parent
ENDINGS = ({"", "s"}, {"", "es"}, {"y", "ies"}, {"is", "are"}, {"was", "were"}, {"has", "have"})
"""What two branches of a condition hold where a plural is made by hand."""
BOTH = re.compile(r"\w\(s\)")


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
        (1, "address", "", "1 address"),
        (2, "address", "", "2 addresses"),
        (2, "other property", "has", "2 other properties have"),
        (2, "key", "", "2 keys"),
        (1, "byte of the body", "", "1 byte of the body"),
        (0, "byte of the body", "", "0 bytes of the body"),
        (5, "SYN", "", "5 SYNs"),
    ],
)
def test_noun_and_verb_agree_with_the_number(number: int, noun: str, verb: str, words: str) -> None:
    assert count(number, noun, verb) == words


def test_none_in_words() -> None:
    assert [some(number, "message") for number in (0, 1, 2)] == ["no message", "1 message", "2 messages"]


def test_how_often() -> None:
    assert [times(number) for number in (0, 1, 2)] == ["0 times", "once", "2 times"]


def test_no_other_place_makes_plurals() -> None:
    found = [
        f"{path.relative_to(SOURCES)}:{line}"
        for path in SOURCES.rglob("*.py")
        if path.name != "plurals.py"
        for line in _by_hand(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert found == []


def _by_hand(tree: ast.Module) -> Iterator[int]:
    """Lines with "request(s)", or where a condition chooses between the endings of a word."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and BOTH.search(node.value):
            yield node.lineno
        if isinstance(node, ast.IfExp) and isinstance(node.body, ast.Constant):
            words = {node.body.value, node.orelse.value if isinstance(node.orelse, ast.Constant) else None}
            nouns = [word for word in words if isinstance(word, str) and word]
            if words in ENDINGS or ({f"{word}s" for word in nouns} & words and words != {"http", "https"}):
                yield node.lineno


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("f\"{n} request{'s' if n > 1 else ''}\"", [1]),
        ("'1 request(s)'", [1]),
        ("verb = 'was' if n == 1 else 'were'", [1]),
        ("f\"{n} {'failure' if n == 1 else 'failures'}\"", [1]),
        ("f\"{'a' if n else ''}\"", []),
    ],
)
def test_a_plural_made_by_hand_is_seen(source: str, lines: list[int]) -> None:
    assert list(_by_hand(ast.parse(source))) == lines


def test_alternatives_are_listed_as_one_says_them() -> None:
    assert [alternatives(list(names)) for names in ("a", "ab", "abc")] == ["a", "a or b", "a, b or c"]
