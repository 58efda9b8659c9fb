"""Cases that were recorded before, one by one or by a hunt, as runs of one hunt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from plainwire import case as cases
from plainwire import reading
from plainwire.acquire import events

from .loop import Hunt, fails
from .runs import Run, load, of_report

if TYPE_CHECKING:
    from collections.abc import Sequence


def compare(folders: Sequence[Path]) -> Hunt:
    """Read cases, and folders of hunts with the rows of all their runs; one report at a time is in memory.

    Raises:
        UserError: a folder is neither.

    """
    runs: list[Run] = []
    for folder in folders:
        if is_hunt(folder):
            earlier = load(folder)
            for run in earlier:
                run.case = run.case and str(folder / run.case)
            runs += earlier
        else:
            runs.append(_of_case(cases.Case(folder)))
    for number, run in enumerate(runs, 1):
        run.number = number
    return Hunt(Path(), runs, end="limit" if all(map(is_hunt, folders)) else "chosen")


def is_hunt(folder: Path) -> bool:
    """Whether a folder is one that a hunt left."""
    return cases.HuntFolder(folder).runs.exists()


def _of_case(case: cases.Case) -> Run:
    report = reading.analyze(case)
    program = events.read(case.program) if case.program.exists() else None
    started = min((c.opened_ns for c in report.connections), default=0)
    ended = program.ended_ns if program is not None and program.ended_ns is not None else started
    status = program.exit_status if program is not None else None
    run = of_report(
        report, number=1, started_ns=started, duration_ns=max(0, ended - started), status=status or 0
    )
    run.failed, run.case = fails(run, ("both",)), str(case.folder)
    return run
