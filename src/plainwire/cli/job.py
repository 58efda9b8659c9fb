"""What ``plainwire run`` does for a job of continuous integration: fail it where asked, and say why."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import click

from plainwire import folder
from plainwire.cli import completion
from plainwire.model import UserError
from plainwire.plurals import alternatives

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from plainwire.model import Report
    from plainwire.report.gate import Gate

_Command = TypeVar("_Command", bound="Callable[..., object]")

STOPPED, UNKNOWN = 1, 4
"""Exit statuses where the program's own is 0: findings that were to fail the job; no report to judge by."""


def options(command: _Command) -> _Command:
    """Give a command ``fail_on``, ``baseline``, ``write_baseline`` and ``ci``."""
    path = click.Path(path_type=_path())
    for option in (  # the last stands first in the help
        click.option(
            "--ci",
            is_flag=True,
            help="In a job of GitHub or GitLab: annotations, a step summary, details folded up in the log.",
        ),
        click.option(
            "--write-baseline", type=path, metavar="FILE", help="Write this run's findings for --baseline."
        ),
        click.option(
            "--baseline", type=path, metavar="FILE", help="Findings in FILE do not fail the job again."
        ),
        click.option(
            "--fail-on",
            metavar="CODES|any",
            shell_complete=completion.codes,
            help=f"Exit with {STOPPED} where the program succeeded but one of these was found: "
            "codes, stems of families, patterns, with commas between them.",
        ),
    ):
        command = option(command)
    return command


def _path() -> type[Path]:
    from pathlib import Path  # noqa: PLC0415 - a type for click, needed when the command is defined

    return Path


class Job(NamedTuple):
    """What was asked for."""

    gate: Gate | None
    write_baseline: Path | None
    ci: bool

    @property
    def host(self) -> str:
        """Whose job it is."""
        if not self.ci:
            return ""
        return (
            "github" if os.environ.get("GITHUB_ACTIONS") else "gitlab" if os.environ.get("GITLAB_CI") else ""
        )

    def status(self, report: Report | None) -> int:
        """The exit status for a program that succeeded."""
        if self.gate is None:
            return 0
        return UNKNOWN if report is None else STOPPED if self.gate.stopped_by(report) else 0


def asked(fail_on: str | None, baseline: Path | None, write_baseline: Path | None, *, ci: bool) -> Job:
    """Check what was asked for, before the program starts.

    Raises:
        UsageError: a code that there is not, or options that do not go together.
        UserError: the baseline cannot be read.

    """
    if fail_on is None:
        if baseline is not None:
            message = "--baseline is for --fail-on"
            raise click.UsageError(message)
        return Job(None, write_baseline, ci)
    from plainwire.report import gate  # noqa: PLC0415 - only where codes are named

    patterns = listed(fail_on)
    check_codes("--fail-on", patterns or ("nothing",))
    known = frozenset() if baseline is None else _known(baseline)
    return Job(gate.Gate(patterns, known), write_baseline, ci)


def listed(codes: str) -> tuple[str, ...]:
    """Codes with commas between them."""
    return tuple(part.strip() for part in codes.split(",") if part.strip())


def check_codes(option: str, patterns: Sequence[str]) -> None:
    """Refuse what no code fits.

    Raises:
        UsageError: there is such a pattern.

    """
    from plainwire.diagnose.causes.catalogue import CAUSES  # noqa: PLC0415 - only where codes are named
    from plainwire.report import gate  # noqa: PLC0415 - as above

    wrong = gate.misspelled(patterns, CAUSES)
    if wrong:
        import difflib  # noqa: PLC0415 - only after a slip

        near = difflib.get_close_matches(wrong[0], CAUSES, n=2)
        hint = f"did you mean {alternatives(near)}?" if near else "plainwire explain lists the codes"
        message = f"{option}: {wrong[0]!r} is no code; {hint}"
        raise click.UsageError(message)


def _known(path: Path) -> frozenset[tuple[str, str]]:
    from plainwire.report import gate  # noqa: PLC0415 - as above

    try:
        return gate.known(path.read_bytes())
    except ValueError as error:
        message = f"{path}: {error}"
        raise UserError(message) from error


def close(job: Job, report: Report | None) -> list[str]:
    """Write what was asked for, and return what is to be said of it: a line each."""
    if report is None:
        return ["plainwire: --fail-on: there is no report to judge by"] if job.gate is not None else []
    lines = []
    if job.write_baseline is not None:
        from plainwire.report import gate  # noqa: PLC0415 - its imports would delay the program's start

        lines += _written(job.write_baseline, gate.baseline(report))
    stopped = [] if job.gate is None else job.gate.stopped_by(report)
    if job.host == "github":
        from plainwire.export import continuous  # noqa: PLC0415 - as above

        lines += continuous.commands(report, {finding.code for finding in stopped})
        summary = os.environ.get("GITHUB_STEP_SUMMARY")
        if summary:
            lines += _written(summary, continuous.step_summary(report).encode(), append=True)
    if job.gate is not None and report.findings:
        told = ", ".join(dict.fromkeys(finding.code for finding in stopped))
        lines.append(f"plainwire: --fail-on: {told or 'none of these findings'}")
    return lines


def folded(job: Job, brief: str, whole: str) -> str:
    """A verdict for the log of a job: its answer, and the whole of it folded up."""
    header = "plainwire: details"
    if job.host == "github":
        return f"{brief.rstrip()}\n::group::{header}\n{whole.rstrip()}\n::endgroup::"
    if job.host == "gitlab":
        from plainwire.export import continuous  # noqa: PLC0415 - as above

        return f"{brief.rstrip()}\n{continuous.section(whole, header, int(time.time()))}".rstrip("\n")
    return whole.rstrip("\n")


def _written(path: Path | str, data: bytes, *, append: bool = False) -> list[str]:
    """Write a file that the user named; what is to be said where that fails."""
    try:
        with folder.output(Path(path), append=append) as file:
            file.write(data)
    except OSError as error:
        return [f"plainwire: {path}: {error.strerror}"]
    return []


def end(status: int) -> None:
    """End this process with a status that is not the program's, where there is one."""
    if status:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)
