"""Text from the wire cannot steer a terminal."""

from __future__ import annotations

import re

import orjson
from hypothesis import given
from hypothesis import strategies as st

from plainwire.report.escape import printable, printable_json, unescaped


def test_control_characters_and_marks_of_direction_are_written_out() -> None:
    assert printable("a\x1b[31m\r\n\u202e\u2028\x9b") == "a\\x1b[31m\\r\\n\\u202e\\u2028\\x9b"


def test_a_backslash_that_was_sent_is_told_from_one_of_ours() -> None:
    assert printable("\\x1b") == "\\\\x1b"


def test_ordinary_text_of_any_script_stays_as_it_is() -> None:
    assert printable("/Straße/日本?q=ö") == "/Straße/日本?q=ö"


def test_long_text_is_cut() -> None:
    assert printable("x" * 100, 10) == "x" * 9 + "…"


@given(st.text())
def test_nothing_unprintable_comes_out(text: str) -> None:
    assert printable(text).isprintable()


@given(st.text(st.characters()))
def test_what_was_made_safe_can_be_had_as_it_was(text: str) -> None:
    assert unescaped(printable(text)) == text


@given(st.text())
def test_json_is_the_same_and_steers_no_terminal(text: str) -> None:
    encoded = printable_json(orjson.dumps([text.encode("utf-8", "ignore").decode()]))
    assert orjson.loads(encoded) == [text.encode("utf-8", "ignore").decode()]
    assert not re.search("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]", encoded.decode())
