"""``plainwire run``."""

from __future__ import annotations

import contextlib
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from plainwire.acquire import namespaces, via
from plainwire.acquire.supervise import ProgramEnd
from plainwire.cli import capturing, debug, job, output
from plainwire.cli.watching import Watch
from plainwire.plurals import count
from plainwire.recording import record
from plainwire.report.escape import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.recording import Recording
    from plainwire.report.terminal import Much


@click.command("run", context_settings={"ignore_unknown_options": False, "allow_interspersed_args": False})
@click.option(
    "-o",
    "--output",
    "folder",
    metavar="CASE",
    type=click.Path(path_type=Path),
    help="The case folder (default: plainwire-case-DATE-TIME).",
)
@capturing.options
@click.option(
    "--no-restore",
    is_flag=True,
    help="Do not follow programs that are started with an environment of their own (env -i).",
)
@click.option(
    "-k",
    "--keys",
    "key_logs",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="A key log that the program writes by itself. Repeatable.",
)
@click.option(
    "--via",
    "methods",
    multiple=True,
    metavar="METHOD",
    type=click.Choice(via.OF_RUN),
    help="Force how connections are seen (libpcap, dumpcap, sockets) or secrets are had (environment, "
    "preload, patch, agent). Repeatable.",
)
@click.option(
    "--netns",
    metavar="pasta|NAME|FILE",
    help="Run it in that network namespace (of ip netns, or a file); pasta: in a new one that pasta makes, "
    "where whoever may not capture can. Its packets are pasta's own, by which no server's fault is proved.",
)
@click.option("--keep-all", is_flag=True, help="Keep the packets of other programs in the case, too.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing; the report is in the case folder.")
@output.much_options
@output.color_option
@job.options
@click.option("-v", "--verbose", is_flag=True, help="Also say how the packets were captured.")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- CMD [ARG]...")
def command(
    folder: Path | None,
    interface: str,
    capture_filter: str,
    key_logs: tuple[Path, ...],
    methods: tuple[str, ...],
    netns: str | None,
    color: output.Color,
    fail_on: str | None,
    baseline: Path | None,
    write_baseline: Path | None,
    *,
    ci: bool,
    brief: bool,
    tell_all: bool,
    no_restore: bool,
    keep_all: bool,
    quiet: bool,
    verbose: bool,
    command: tuple[str, ...],
) -> None:
    """Run a program as it is, capture and decrypt its HTTPS traffic, and say who hung up.

    The program keeps its input, output, signals and, but for --fail-on, its exit status. plainwire writes to
    standard error when the program has ended. The case folder then holds capture.pcapng (with its secrets, so
    that Wireshark shows plain text), report.html and report.json.

    Example: plainwire run -- python test.py
    """
    shown = Shown(output.much(brief=brief, tell_all=tell_all), color, verbose, debug.asked())
    asked = job.asked(fail_on, baseline, write_baseline, ci=ci)
    with _network(netns) as relay, Watch(shown=not quiet) as progress:
        recording = record(
            command,
            folder=folder,
            interface=interface,
            capture_filter=capture_filter,
            restore=not no_restore,
            key_logs=[path.absolute() for path in key_logs],
            keep_all=keep_all,
            via=via.chosen(methods),
            relay=relay,
            progress=progress,
        )
    text = words(recording, shown, asked)
    if not quiet:
        with contextlib.suppress(OSError):  # nobody listens: no reason to change the program's status
            sys.stderr.write(text)
            sys.stderr.flush()
    if recording.end == ProgramEnd():
        job.end(asked.status(recording.report))
    recording.end.follow()


@contextlib.contextmanager
def _network(netns: str | None) -> Iterator[str | None]:
    """Be in the network that was asked for; what is to be said of it, where a relay stands in it."""
    if netns is None:
        yield None
    elif netns == "pasta":
        from plainwire.acquire import pasta  # noqa: PLC0415 - few ask for it

        with pasta.network():
            yield pasta.NOTE
    else:
        namespaces.enter(netns)
        yield None


class Shown(NamedTuple):
    """What is told when the program has ended, and how."""

    much: Much
    color: output.Color
    verbose: bool
    traced: bool


def words(recording: Recording, shown: Shown, asked: job.Job) -> str:
    """What to say when the program has ended. A bug of ours here must not change its exit status."""
    try:
        lines = [*_lines(recording, shown, asked), *job.close(asked, recording.report)]
    except Exception as error:  # noqa: BLE001 - as said above
        lines = [f"plainwire: the report in {recording.case.folder} cannot be shown ({type(error).__name__})"]
        recording.traceback += traceback.format_exc()
    if shown.traced:
        lines += [printable(line) for line in recording.traceback.splitlines()]
        lines += [] if recording.report is None else debug.tracebacks(recording.report)
    return "\n".join(lines) + "\n"


def _lines(recording: Recording, shown: Shown, asked: job.Job) -> list[str]:
    from plainwire.report import terminal  # noqa: PLC0415 - its imports would delay the program's start

    case, report = recording.case.folder, recording.report
    unsaid = [note for note in recording.notes if report is None or note not in report.coverage.notes]
    lines = [f"plainwire: {printable(note)}" for note in unsaid]
    if recording.spoiled is not None:
        lines.append(f"plainwire: {printable(f'{case}: {recording.spoiled}')}")
    if report is None:
        lines.append(f"plainwire: the case is {printable(str(case))}")
    else:
        looks = output.looks(sys.stderr, shown.color, report)
        place = terminal.CasePaths.of_case(str(case))
        whole = terminal.verdict(report, place=place, much=shown.much, **looks)
        brief = terminal.verdict(report, place=place, much="brief", **looks) if asked.host else ""
        lines.insert(0, job.folded(asked, brief, whole))
    if shown.verbose:
        of_others = f", {recording.left_out} of them of other programs" if recording.left_out else ""
        lines.append(
            f"plainwire: {count(recording.packets, 'packet')} captured with {recording.how}{of_others}"
        )
    return lines
