"""From words to codes."""

from __future__ import annotations

import pytest

from plainwire.diagnose import CAUSES
from plainwire.diagnose.testimony.spoken_causes import CODES, system_call, wordings_of
from plainwire.diagnose.testimony.wording import Wire


def test_everything_that_the_wire_may_have_done_has_codes_that_exist() -> None:
    assert set(CODES) == set(Wire)
    families = {cause.family for cause in CAUSES.values()}
    for wire, codes in CODES.items():
        assert codes or wire is Wire.WHOLE
        assert all(code in CAUSES or code in families for code in codes)


@pytest.mark.parametrize(
    ("said", "client"),
    [
        ("52", "curl"),
        ("socket hang up", "node"),
        ("RemoteDisconnected", "http.client"),
        ("unexpected EOF", "go"),
    ],
)
def test_words_are_found_by_pattern_or_by_what_they_are_called(said: str, client: str) -> None:
    assert client in {row.client for row in wordings_of(said)}


def test_numbers_above_those_of_curl_are_of_the_system() -> None:
    assert system_call("104") == system_call("econnreset")
    assert wordings_of("104") == []
    assert system_call("7") is None
    assert wordings_of("nothing of the kind") == []
