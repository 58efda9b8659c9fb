"""``plainwire trigger``."""

from __future__ import annotations

from pathlib import Path

import click

from plainwire.model import UserError
from plainwire.recorder import control
from plainwire.report.escape import printable

_SECONDS = 30.0


@click.command("trigger")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--because", default="", metavar="TEXT", help="Why; it stands in the case's name and report.")
def command(folder: Path, because: str) -> None:
    """Have a running recorder save the minutes around now as a case.

    DIR is what plainwire record was started with. The case is made when the minutes after now are over.

    Example: plainwire trigger flight --because 'the page was empty'
    """
    told = control.ask(folder, control.Question(because), _SECONDS)
    if told is None:
        message = f"{folder}: no recorder is at work in it"
        raise UserError(message)
    if told.error:
        raise UserError(told.error)
    click.echo(printable(told.says))
