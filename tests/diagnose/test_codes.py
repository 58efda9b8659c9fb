"""All codes together: how they are spelled, and that what ``explain`` says of each is whole sentences."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from plainwire.diagnose import CAUSES

if TYPE_CHECKING:
    from plainwire.diagnose.causes.cause import Cause

ALL = pytest.mark.parametrize("cause", CAUSES.values(), ids=CAUSES.keys())
KEBAB = re.compile(r"[a-z0-9]+(?:[-.][a-z0-9]+)*")


def sentences(cause: Cause) -> dict[str, str]:
    """The texts of a cause that are sentences, by their names."""
    names = ("meaning", "established", "refuted", "client", "server", "second_capture")
    return {name: getattr(cause, name) for name in names if getattr(cause, name)}


@ALL
def test_codes_are_kebab_case(cause: Cause) -> None:
    assert KEBAB.fullmatch(cause.code)


@ALL
def test_titles_are_clauses_and_texts_are_sentences(cause: Cause) -> None:
    assert cause.title == cause.title.strip(" .")
    for name, text in sentences(cause).items():
        assert text[0].isupper() or text[0].isdigit() or text.startswith("gRPC"), name
        assert text.endswith((".", ")", "?")), name
        assert "  " not in text, name
        assert not re.search(r"\s[.,;:](?!\w)", text), name
