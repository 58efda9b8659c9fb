"""Whether what is written has colour, how wide it is, and which zone its times have."""

from __future__ import annotations

import io
import os
import time
from typing import TYPE_CHECKING

import click
import pytest

from plainwire.cli import output
from tests.cli.terminal import Terminal
from tests.report.samples import failing, report
from tests.users import as_sudo

if TYPE_CHECKING:
    from plainwire.cli.output import Color


__all__ = ["as_sudo"]


@pytest.mark.parametrize(
    ("asked", "terminal", "no_color", "colored"),
    [
        ("auto", True, "", True),
        ("auto", True, "1", False),
        ("auto", False, "", False),
        ("always", False, "1", True),
        ("never", True, "", False),
    ],
)
def test_colour_goes_to_terminals_unless_somebody_says_otherwise(
    asked: Color, *, terminal: bool, no_color: str, colored: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", no_color)
    assert output.is_colored(Terminal() if terminal else io.StringIO(), asked) is colored


def test_a_pipe_is_80_columns_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    assert output.width(io.StringIO()) == 80
    assert output.width(Terminal()) == 140


def test_the_zone_is_the_readers_at_the_time_of_the_capture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        found = output.zone(report(failing()))  # in November
        assert found is not None
        assert found.tzname(None) == "CET"
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.usefixtures("as_sudo")
def test_under_sudo_the_pager_runs_no_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str | None, str | None]] = []
    monkeypatch.setenv("PAGER", "/home/user/pager")
    monkeypatch.setenv("LESSSECURE", "0")
    monkeypatch.setenv("LINES", "3")
    monkeypatch.setattr(
        click, "echo_via_pager", lambda *_, **__: seen.append((os.getenv("PAGER"), os.getenv("LESSSECURE")))
    )
    output.paged("a\n" * 100, Terminal(), color=False)
    assert seen in ([("less", "1")], [])  # where there is no less, nothing is run
    assert (os.environ["PAGER"], os.environ["LESSSECURE"]) == ("less", "1")
