"""``plainwire attach``."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from plainwire import recording as recordings
from plainwire.acquire import namespaces, processes, via
from plainwire.cli import capturing, debug, job, output
from plainwire.cli.run import Shown, words
from plainwire.cli.watching import Watch
from plainwire.model import UserError
from plainwire.plurals import count
from plainwire.report.escape import printable

if TYPE_CHECKING:
    from plainwire.acquire.attached import AttachedProgram

_UNSEEN = 3


@click.command("attach")
@click.option(
    "-o",
    "--output",
    "folder",
    metavar="CASE",
    type=click.Path(path_type=Path),
    help="The case folder (default: plainwire-case-DATE-TIME).",
)
@click.option("--command", "name", metavar="NAME", help="All processes that run this command.")
@click.option("--container", metavar="ID", help="All processes of a container, as docker ps shows its id.")
@click.option("--children", is_flag=True, help="What descends from the processes, too.")
@click.option(
    "--duration",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="How long to record (default: until the processes end, or Ctrl-C).",
)
@capturing.options
@click.option(
    "--via",
    "methods",
    multiple=True,
    metavar="METHOD",
    type=click.Choice(via.OF_ATTACH),
    help="Force how packets are captured (libpcap, dumpcap) or secrets are had (patch, memory). Repeatable.",
)
@click.option("--keep-all", is_flag=True, help="Keep the packets of other programs in the case, too.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing; the exit status gives the result.")
@output.much_options
@output.color_option
@click.option("-v", "--verbose", is_flag=True, help="Also say how the packets were captured.")
@click.argument("pids", nargs=-1, type=click.IntRange(min=1), metavar="[PID]...")
def command(
    folder: Path | None,
    name: str | None,
    container: str | None,
    duration: float | None,
    interface: str,
    capture_filter: str,
    methods: tuple[str, ...],
    color: output.Color,
    *,
    brief: bool,
    tell_all: bool,
    children: bool,
    keep_all: bool,
    quiet: bool,
    verbose: bool,
    pids: tuple[int, ...],
) -> int:
    """Record programs that run already: capture, decrypt, and say who hung up.

    From now until they end, SECONDS are over, or Ctrl-C. Each is stopped for some milliseconds, at the
    beginning and at the end, and is left as it was. Secrets are had of OpenSSL, BoringSSL, s2n, NSS and Go;
    of any other TLS by the memory of connections that stay open for some seconds. Of a process in a container
    the packets of its own network are captured.

    Exit status: as that of analyze.

    Example: plainwire attach --duration 60 4711
    """
    chosen = _chosen(pids, name, container)
    shown = Shown(output.much(brief=brief, tell_all=tell_all), color, verbose, debug.asked())
    with Watch(shown=not quiet) as progress:
        recording = recordings.attach(
            chosen,
            folder=folder,
            interface=interface,
            capture_filter=capture_filter,
            children=children,
            duration=duration,
            keep_all=keep_all,
            via=via.chosen(methods),
            attached=lambda program: None if quiet else _say(_begun(program)),
            progress=progress,
        )
    if not quiet:
        _say(words(recording, shown, job.asked(None, None, None, ci=False)))
    if recording.report is None:
        return _UNSEEN
    from plainwire import pipeline  # noqa: PLC0415 - as in the other commands

    return pipeline.exit_code(recording.report)


def _chosen(pids: tuple[int, ...], name: str | None, container: str | None) -> list[int]:
    found = list(pids)
    if name is not None:
        found += processes.named(name)
    if container is not None:
        found += namespaces.in_container(container)
    if not found and container is not None:
        message = f"{container}: no process is in such a container (its id is wanted, of 4 digits or more)"
        raise UserError(message)
    if not found:
        message = f"{name}: no such process" if name is not None else "name a process, or a command"
        raise UserError(message)
    return found


def _begun(program: AttachedProgram) -> str:
    who = ", ".join(f"{each.pid} ({printable(each.command)})" for each in program.processes.values())
    stopped = f"stopped for {program.stopped_longest * 1000:.0f} ms"
    what = "process" if len(program.processes) == 1 else f"{count(len(program.processes), 'process')}:"
    return f"plainwire: attached to {what} {who}, {stopped}; Ctrl-C ends the recording\n"


def _say(text: str) -> None:
    with contextlib.suppress(OSError):
        sys.stderr.write(text)
        sys.stderr.flush()
