"""``plainwire hunt``."""

from __future__ import annotations

import contextlib
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plainwire.acquire import namespaces
from plainwire.cli import capturing
from plainwire.model import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from plainwire.hunting import Conclusion, Hunt, Run

_RUNS = 100
_MOST_RUNS = 100_000
_MOST_JOBS = 64


@click.command(
    "hunt",
    epilog="Example: plainwire hunt -n 200 --jobs 2 -- python test.py",
    context_settings={"allow_interspersed_args": False},
)
@click.option(
    "-n",
    "--runs",
    "limit",
    type=click.IntRange(1, _MOST_RUNS),
    help=f"The most runs (default: {_RUNS}; with --after as many as it takes).",
)
@click.option("--until-failure", is_flag=True, help="Stop at the first failing run.")
@click.option(
    "-j",
    "--jobs",
    type=click.IntRange(1, _MOST_JOBS),
    default=1,
    show_default=True,
    help="How many runs at a time.",
)
@click.option(
    "--fail-on",
    multiple=True,
    metavar="WHAT",
    help="What counts as a failure: exit (its status is not 0), "
    "hidden (the status is 0, but something failed on the wire), "
    "both (the default), or the code of a cause. Repeatable.",
)
@click.option(
    "--aim",
    is_flag=True,
    help="When a server's idle timeout is known, stop the program (SIGSTOP) for about as long now and then, "
    "so that its connections become idle; and say what else would make the failure likely.",
)
@click.option(
    "--after",
    "earlier",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="The program is now fixed: compare it with the hunt in FOLDER, and say how sure the fix is.",
)
@click.option(
    "-o",
    "--output",
    "folder",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="The folder (default: plainwire-hunt-DATE-TIME).",
)
@capturing.options
@click.option(
    "--netns", metavar="NAME|FILE", help="Run it in that network namespace (of ip netns, or a file)."
)
@click.option("--json", "as_json", is_flag=True, help="Print the conclusion as JSON.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- CMD [ARG]...")
def command(
    limit: int | None,
    jobs: int,
    fail_on: tuple[str, ...],
    earlier: Path | None,
    folder: Path | None,
    interface: str,
    capture_filter: str,
    netns: str | None,
    command: tuple[str, ...],
    *,
    until_failure: bool,
    aim: bool,
    as_json: bool,
) -> int:
    """Run a program again and again, recorded as by plainwire run, and say why it fails now and then.

    It stops at the limit, or when the cause is established: the same cause in at least three failing runs,
    and something that the failing requests have in common and others lack; or the same cause in twelve runs.
    Ctrl-C stops it, and it says what it has learnt.

    FOLDER keeps the case of every failing run (run-0007, with the program's output), and a row for each run
    (runs.jsonl). The program reads from /dev/null and writes to files: only plainwire uses the terminal.

    Exit status: 0 no run failed, 1 some did, 2 misuse, 3 none failed but too little could be seen.
    """
    from plainwire import hunting  # noqa: PLC0415 - kept out of the start-up of other commands
    from plainwire.hunting import words  # noqa: PLC0415

    _check(fail_on)
    before = _before(earlier) if earlier is not None else []
    if netns is not None:
        namespaces.enter(netns)
    most = limit or (_enough(before) if before else _RUNS)
    plan = hunting.Plan(
        command=command,
        limit=most,
        folder=folder,
        jobs=jobs,
        until_failure=until_failure,
        fail_on=fail_on or ("both",),
        aim=aim,
        interface=interface,
        capture_filter=capture_filter,
        before=before,
    )
    with _progress() as show:
        done = hunting.hunt(plan, lambda hunt, running: show(words.progress(hunt.runs, most, running)))
        show("comparing")
        found = hunting.conclude(done, before)
    if as_json:
        sys.stdout.buffer.write(words.encode(found, done.folder))
        sys.stdout.buffer.flush()
    else:
        _print(found, done, aimed=aim)
    return hunting.exit_status(found)


def _check(fail_on: tuple[str, ...]) -> None:
    from plainwire.diagnose import CAUSES  # noqa: PLC0415
    from plainwire.hunting import FAIL_ON  # noqa: PLC0415

    for word in fail_on:
        if word not in CAUSES and word not in FAIL_ON:
            message = f"--fail-on {word}: neither exit, hidden, both nor the code of a cause"
            raise click.UsageError(message)


def _before(folder: Path) -> list[Run]:
    from plainwire import hunting  # noqa: PLC0415

    runs = hunting.load(folder)
    if not any(run.failed for run in runs):
        message = f"{folder}: no run failed in that hunt, so there is nothing to fix"
        raise UserError(message)
    return runs


def _enough(before: list[Run]) -> int:
    from plainwire.diagnose.statistics.prediction import clean_runs_needed  # noqa: PLC0415

    return min(_MOST_RUNS, clean_runs_needed(sum(run.failed for run in before), len(before)) or _RUNS)


def _print(found: Conclusion, done: Hunt, *, aimed: bool) -> None:
    from plainwire.hunting import words  # noqa: PLC0415

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 80
    click.echo(words.text(found, done.folder, done.runs, width=width, aimed=aimed), nl=False)


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """One line on a terminal, which goes away again."""
    shown = sys.stderr.isatty()

    def write(text: str) -> None:
        if shown:
            with contextlib.suppress(OSError):
                sys.stderr.write(text)
                sys.stderr.flush()

    try:
        yield lambda text: write(f"\r\x1b[Kplainwire: {text} ...")
    finally:
        write("\r\x1b[K")
