"""One table of texts, bounded, without secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.report.page import interning
from plainwire.report.page.interning import Texts

if TYPE_CHECKING:
    import pytest


def test_what_occurs_twice_is_there_once_and_safe_to_show() -> None:
    texts = Texts()
    assert texts.of("/a\x1b[2J") == texts.of("/a\x1b[2J")
    assert texts.lines == [r"/a\x1b[2J"]
    fields = [("Host", "example.org"), ("Cookie", "session=hunter2")]
    assert texts.headers(fields) == texts.headers(list(fields))
    ((shape, host, _),) = texts.lists
    assert [texts.lines[place] for place in texts.shapes[shape]] == ["Host", "Cookie"]
    assert texts.lines[host] == "example.org"
    assert "hunter2" not in "".join(texts.lines)


def test_when_the_page_is_full_header_fields_are_left_out_and_what_is_known_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(interning, "MOST_CHARACTERS", 10)
    texts = Texts()
    known = texts.headers([("X-First", "a value that fills it")])
    assert texts.full
    assert texts.headers([("X-Second", "b")]) is None
    assert texts.headers([("X-First", "a value that fills it")]) == known
