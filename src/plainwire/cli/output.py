"""How text is written for a reader: colour, width, time zone, pager."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from typing import TYPE_CHECKING, Any, Literal, TextIO, TypeVar

import click

from plainwire import sudo

if TYPE_CHECKING:
    from collections.abc import Callable

    from plainwire.model import Report
    from plainwire.report.terminal import Much

_Command = TypeVar("_Command", bound="Callable[..., object]")

Color = Literal["auto", "always", "never"]
_PIPED = 80
"""Columns where nobody says how wide it is."""


def color_option(command: _Command) -> _Command:
    """Give a command ``color``."""
    choice = click.Choice(["auto", "always", "never"])
    words = "Colour: on a terminal unless NO_COLOR is set (auto), always, or never."
    option = click.option("--color", type=choice, default="auto", metavar="WHEN", help=words)
    return option(command)


def much_options(command: _Command) -> _Command:
    """Give a command ``brief`` and ``tell_all``."""
    brief = click.option("--brief", is_flag=True, help="Three lines for each finding, no details.")
    every = click.option(
        "--all", "tell_all", is_flag=True, help="All findings, requests and packets in full."
    )
    return brief(every(command))


def much(*, brief: bool, tell_all: bool) -> Much:
    """How much is to be told.

    Raises:
        UsageError: both were asked for.

    """
    if brief and tell_all:
        message = "--brief and --all exclude each other"
        raise click.UsageError(message)
    return "brief" if brief else "all" if tell_all else "usual"


def is_colored(stream: TextIO, asked: Color) -> bool:
    """Whether what goes there has colour (https://no-color.org)."""
    if asked != "auto":
        return asked == "always"
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def looks(stream: TextIO, asked: Color, report: Report) -> dict[str, Any]:
    """Width, colour and time zone for a report that goes there."""
    return {"width": width(stream), "color": is_colored(stream, asked), "zone": zone(report)}


def width(stream: TextIO) -> int:
    """Columns of the terminal; 80 in a pipe."""
    return shutil.get_terminal_size().columns if stream.isatty() else _PIPED


def zone(report: Report) -> dt.tzinfo | None:
    """The reader's time zone as it was when the capture began."""
    opened = min((c.opened_ns for c in report.connections if c.opened_ns > 0), default=0)
    return dt.datetime.fromtimestamp(opened // 10**9, dt.UTC).astimezone().tzinfo


def paged(text: str, stream: TextIO, *, color: bool) -> None:
    """Write a text: through the user's pager where it is longer than the terminal."""
    longer = stream.isatty() and text.count("\n") + 1 >= shutil.get_terminal_size().lines
    if sudo.caller() is not None:
        os.environ["PAGER"], os.environ["LESSSECURE"] = "less", "1"  # no commands from within, as root
    if longer and shutil.which((os.environ.get("PAGER") or "less").split()[0]):
        os.environ.setdefault("LESS", "-RSX")
        click.echo_via_pager(text, color=color)
    else:
        click.echo(text, color=color)
