"""``plainwire ui``: the page from a local server."""

from __future__ import annotations

import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plainwire.model import UserError

if TYPE_CHECKING:
    from plainwire.recording import Recording

MOST_CASES = 12


@click.command("ui", epilog="Example: plainwire ui --live -- python test.py")
@click.argument("cases", nargs=-1, type=click.UNPROCESSED, metavar="CASE... | -- CMD [ARG]...")
@click.option("--live", is_flag=True, help="Run CMD as plainwire run does; the page grows while it runs.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="CASE", help="Leave the case here (--live)."
)
@click.option("-k", "--keys", multiple=True, metavar="FILE", help="Key log for capture files. Repeatable.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Listen here; default: any free port.")
def command(
    cases: tuple[str, ...], keys: tuple[str, ...], output: Path | None, port: int, *, live: bool
) -> None:
    """Show CASEs (folders that plainwire run left, capture files) in a browser, several side by side.

    The page is that of report.html, with bodies. It is served at the loopback address alone, under an address
    that nobody can guess: whoever has it can read the case. Ctrl-C ends it.
    """
    if not cases:
        raise click.UsageError("name a program after --" if live else "name at least one case")
    try:
        from plainwire.ui import server, sources  # noqa: PLC0415 - needs what not every installation has
    except ImportError as error:
        message = "ui needs Starlette and uvicorn: pip install 'plainwire[ui]'"
        raise UserError(message) from error
    if live:
        recorded = _live(cases, output, port)
        recorded.end.follow()
        return
    if len(cases) > MOST_CASES:
        message = f"at most {MOST_CASES} cases side by side"
        raise click.UsageError(message)
    paths = [Path(name) for name in cases]
    missing = next((path for path in paths if not path.exists()), None)
    if missing is not None:
        message = f"{missing}: no such case or capture file"
        raise UserError(message)
    with server.serving(sources.of_paths(paths, keys), port) as served:
        over = _interrupted()
        _say(served.address)
        over.wait()


def _live(program: tuple[str, ...], folder: Path | None, port: int) -> Recording:
    """Record a program, and serve its case from the beginning until Ctrl-C."""
    from plainwire import case as cases  # noqa: PLC0415 - as above
    from plainwire.recording import record  # noqa: PLC0415 - as above
    from plainwire.ui import server, sources  # noqa: PLC0415 - as above

    case = cases.create(folder) if folder else cases.create_named(Path.cwd(), time.time())
    growing = sources.GrowingCase(case)
    with server.serving([growing], port) as served:
        _say(served.address)
        growing.start()
        report = None
        try:
            recorded = record(program, case=case)
            report = recorded.report
            over = _interrupted()
        finally:
            growing.finish(report, f"The case is {case.folder}")
        over.wait()
    return recorded


def _say(address: str) -> None:
    sys.stderr.write(f"plainwire: {address} (Ctrl-C ends it)\n")
    sys.stderr.flush()


def _interrupted() -> threading.Event:
    """What Ctrl-C or SIGTERM will set, also where whoever started us lets us ignore it."""
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: over.set())
    return over
