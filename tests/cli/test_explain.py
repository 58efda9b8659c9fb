"""``plainwire explain``."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from plainwire.cli.main import plainwire
from plainwire.diagnose import CAUSES
from plainwire.model import UserError


def run(*arguments: str) -> str:
    result = CliRunner().invoke(
        plainwire, ["explain", *arguments], catch_exceptions=False, standalone_mode=False
    )
    return result.output


@pytest.mark.parametrize("code", CAUSES)
def test_every_code_is_explained_with_the_fix(code: str) -> None:
    text = run(code)
    assert text.startswith(f"{code}: ")
    assert "Established by" in text
    assert "Refuted by" in text
    assert "What the client's side can do" in text


def test_without_a_code_all_are_listed() -> None:
    assert [line.split()[0] for line in run().splitlines()] == list(CAUSES)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("race", "keepalive-idle-race"),
        ("reset-midrequest", "reset-mid-request"),
        ("truncated", "response-truncated"),
    ],
)
def test_an_unknown_code_names_those_that_may_be_meant(typed: str, meant: str) -> None:
    with pytest.raises(UserError, match=meant):
        run(typed)


def test_an_unknown_code_without_likeness_says_where_to_look() -> None:
    with pytest.raises(UserError, match="plainwire explain lists them"):
        run("zzzzzz")


def test_the_help_ends_with_an_example() -> None:
    assert run("--help").rstrip().splitlines()[-1].strip().startswith("Example: plainwire explain")
