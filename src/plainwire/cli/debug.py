"""``--debug``: where a bug of plainwire's own was met."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from plainwire.report.escape import printable

if TYPE_CHECKING:
    from plainwire.model import Report


def asked() -> bool:
    """Whether the command line asks for it."""
    return "debug" in (click.get_current_context().find_root().obj or ())


def tracebacks(report: Report) -> list[str]:
    """The way through our code to each bug that cost a part of the report, a line each."""
    return [printable(line) for bug in report.coverage.bugs for line in (bug.line, *bug.where)]


def show(report: Report) -> None:
    """Say it on standard error, where that is asked for."""
    if asked():
        for line in tracebacks(report):
            click.echo(line, err=True)
