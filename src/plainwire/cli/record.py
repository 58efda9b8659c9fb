"""``plainwire record``."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import click

from plainwire.acquire import namespaces, processes, via
from plainwire.acquire.supervise import ProgramEnd
from plainwire.cli import capturing, job
from plainwire.model import UserError
from plainwire.recorder import loop, measures
from plainwire.report import gate
from plainwire.report.escape import printable


@click.command("record", context_settings={"ignore_unknown_options": False, "allow_interspersed_args": False})
@click.option(
    "-o",
    "--output",
    "folder",
    metavar="DIR",
    required=True,
    type=click.Path(path_type=Path),
    help="The recorder's folder: a new one, or that of an earlier recorder, which goes on in it.",
)
@click.option(
    "--keep",
    default="2GB",
    show_default=True,
    metavar="SIZE",
    help="How much of packets and secrets is kept.",
)
@click.option(
    "--for",
    "longest",
    default="14d",
    show_default=True,
    metavar="TIME",
    help="How long packets and secrets are kept at most.",
)
@click.option(
    "--keep-cases", metavar="SIZE", help="How much saved cases may take besides (default: as --keep)."
)
@click.option(
    "--pid",
    "pids",
    multiple=True,
    type=click.IntRange(min=1),
    metavar="PID",
    help="Record a process that runs. Repeatable.",
)
@click.option("--command", "name", metavar="NAME", help="Record all processes that run this command.")
@click.option("--children", is_flag=True, help="What descends from these processes, too.")
@click.option(
    "--on",
    "patterns",
    multiple=True,
    metavar="CODES",
    help="Findings that save a case: codes or patterns, with commas; none for no finding (default: any).",
)
@click.option(
    "--status",
    "statuses",
    multiple=True,
    metavar="N",
    help="Save a case at this HTTP status, as 503 or 5xx. Repeatable.",
)
@click.option(
    "--slower",
    metavar="TIME",
    help="Save a case where a response takes longer, or none has come for so long.",
)
@click.option(
    "--before", default="5m", show_default=True, metavar="TIME", help="How much before a trigger a case has."
)
@click.option(
    "--after", "behind", default="1m", show_default=True, metavar="TIME", help="How much behind it."
)
@click.option(
    "--rest",
    default="10m",
    show_default=True,
    metavar="TIME",
    help="How long the same finding saves no other case.",
)
@click.option(
    "--segment", default="1m", show_default=True, metavar="TIME", help="How long a file of the ring lasts."
)
@click.option("--duration", metavar="TIME", help="How long to record (default: until it is ended).")
@click.option(
    "--metrics",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="Serve /metrics for Prometheus at 127.0.0.1.",
)
@capturing.options
@click.option(
    "--netns",
    metavar="NAME|FILE",
    help="Record in that network namespace (of ip netns, or a file): the program that is started, or all; "
    "a process that runs is recorded in its own anyway.",
)
@click.option(
    "-k",
    "--keys",
    "key_logs",
    multiple=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="A key log that a program writes by itself. Repeatable.",
)
@click.option("-q", "--quiet", is_flag=True, help="Print nothing; cases.jsonl has what was saved.")
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[-- CMD [ARG]...]")
def command(
    folder: Path,
    keep: str,
    longest: str,
    keep_cases: str | None,
    pids: tuple[int, ...],
    name: str | None,
    patterns: tuple[str, ...],
    statuses: tuple[str, ...],
    slower: str | None,
    before: str,
    behind: str,
    rest: str,
    segment: str,
    duration: str | None,
    metrics: int | None,
    interface: str,
    capture_filter: str,
    netns: str | None,
    key_logs: tuple[Path, ...],
    *,
    children: bool,
    quiet: bool,
    command: tuple[str, ...],
) -> int:
    """Record for weeks, and save the minutes around each failure as a case.

    Packets and secrets go round in a ring of files; the oldest are erased. A case is saved when a finding
    appears, at SIGUSR1, at the program's end, and where plainwire trigger DIR asks for it; plainwire snapshot
    DIR looks back. Without a program the whole host is recorded.

    The exit status is the program's, where it was started here.

    Example: plainwire record -o flight --keep 2GB -- python service.py
    """
    chosen = _chosen(pids, name, command)
    if netns is not None:
        if chosen:
            message = "--netns: processes that run are recorded in their own network"
            raise click.UsageError(message)
        namespaces.enter(netns)
    size = measures.size(keep)
    plan = loop.RecordingPlan(
        folder=folder,
        keep=size,
        keep_cases=measures.size(keep_cases) if keep_cases else size,
        longest=measures.duration(longest),
        segment=measures.duration(segment),
        before=measures.duration(before),
        behind=measures.duration(behind),
        rest=measures.duration(rest),
        patterns=_patterns(patterns),
        statuses=tuple(each.lower().rstrip("x") for each in statuses),
        slower=measures.duration(slower) if slower else 0.0,
        duration=measures.duration(duration) if duration else None,
        metrics=metrics,
        command=command,
        pids=tuple(chosen),
        children=children,
        interface=interface,
        capture_filter=capture_filter,
        key_logs=tuple(path.absolute() for path in key_logs),
        via=via.ANYHOW,
    )
    end = loop.record(plan, (lambda _: None) if quiet else _say)
    if command and end != ProgramEnd():
        end.follow()
    return 0


def _chosen(pids: tuple[int, ...], name: str | None, command: tuple[str, ...]) -> list[int]:
    if command and (pids or name):
        message = "a command to start and processes that run exclude each other"
        raise click.UsageError(message)
    found = list(pids) + (processes.named(name) if name is not None else [])
    if name is not None and not found:
        message = f"{name}: no such process"
        raise UserError(message)
    return found


def _patterns(given: tuple[str, ...]) -> tuple[str, ...]:
    codes = [word for word in job.listed(",".join(given)) or [gate.ANY] if word != "none"]
    if any(code != gate.ANY for code in codes):
        job.check_codes("--on", codes)
    return (*codes, "status-*", "slow")


def _say(text: str) -> None:
    with contextlib.suppress(OSError):
        sys.stderr.write(f"plainwire: {printable(text)}\n")
        sys.stderr.flush()
