"""``plainwire snapshot``."""

from __future__ import annotations

import time
from pathlib import Path

import click

from plainwire.model import UserError
from plainwire.recorder import control, home, jobs, measures, ring
from plainwire.report.escape import printable

_SECONDS = 600.0


@click.command("snapshot")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--since", default="10m", show_default=True, metavar="TIME", help="How far to look back from now."
)
def command(folder: Path, since: str) -> None:
    """Make a case of the last minutes of a recorder, and print its folder.

    DIR is what plainwire record was started with. Where the recorder has ended, the minutes before its end
    count.

    Example: plainwire show $(plainwire snapshot flight --since 10m)
    """
    seconds = measures.duration(since)
    told = control.ask(folder, control.Question("snapshot", seconds), _SECONDS)
    if told is None:
        told = _of_ended(folder, seconds)
    if told.error:
        raise UserError(told.error)
    click.echo(printable(told.case))


def _of_ended(folder: Path, seconds: float) -> control.Reply:
    from plainwire.recorder import saving  # noqa: PLC0415 - it would delay the others

    where = home.held(folder)
    segments = [each for each in ring.read(where.ring) if each.examined]
    last = max((each.ended for each in segments), default=0.0)
    chosen = [each for each in segments if each.ended > last - seconds]
    is_program = any(ring.has_events(where.ring, each) for each in chosen)
    done = saving.save(where, chosen, "snapshot", last or time.time(), jobs.Interest(program=is_program))
    where.close()
    return control.Reply(case=str(folder / home.CASES / done.name), error=done.trouble)
