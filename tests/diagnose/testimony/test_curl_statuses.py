"""The table of curl's exit statuses against curl's own list of them."""

from __future__ import annotations

from plainwire.diagnose.testimony import other_words
from plainwire.diagnose.testimony.curl_statuses import ENDINGS, told_by_status
from plainwire.model import Process

LISTED = frozenset((*range(1, 38), *range(38, 101))) - frozenset(
    (10, 12, 15, 16, 20, 24, 29, 32, 40, 41, 44, 46)
)
"""Exit statuses in curl's manual (curl 8.6, EXIT CODES), those of all protocols; the others are not used."""


def test_every_number_is_one_that_curl_has() -> None:
    assert set(ENDINGS) <= LISTED


def test_no_number_says_two_things() -> None:
    about_the_network = {number for runtime, number in other_words.EXIT_STATUSES if runtime == "curl"}
    assert about_the_network & set(ENDINGS) <= {1, 23, 61}


def test_only_curl_is_understood_so() -> None:
    assert told_by_status(Process(1, "curl", runtime="curl"), 77).endswith("could not be read.")
    assert told_by_status(Process(1, "wget", runtime="wget"), 77) == ""
    assert told_by_status(Process(1, "curl", runtime="curl"), 0) == ""
