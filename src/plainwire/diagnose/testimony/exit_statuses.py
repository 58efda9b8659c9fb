"""How a process ended, where its program has a number for what it met (``other_words.EXIT_STATUSES``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from .other_words import EXIT_STATUSES

if TYPE_CHECKING:
    from plainwire.model import Process, ProgramEvents

    from .wording import Wire


class ExitMeaning(Struct, frozen=True):
    """``program`` ended with ``says`` (``exit status 28``), which stands for any of ``wire``."""

    program: str
    says: str
    wire: frozenset[Wire]


def status_of(events: ProgramEvents, pid: int | None) -> tuple[Process | None, int | None]:
    """The process, and its exit status; each None where it is not known."""
    process = None if pid is None else events.processes.get(pid)
    status = None if process is None else process.exit_status
    if status is None and pid is not None and pid == events.pid:
        status = events.exit_status
    return process, status


def ending(events: ProgramEvents, pid: int | None) -> ExitMeaning | None:
    """What the exit status of a process stands for; None where it stands for nothing of the network."""
    process, status = status_of(events, pid)
    names = [] if process is None else [process.runtime, process.command]
    if pid == events.pid and events.command:
        names.append(events.command[0].rpartition("/")[2])  # it may have come to no socket
    for name in names:
        meant = EXIT_STATUSES.get((name or "", status or 0))
        if meant is not None:
            return ExitMeaning(name or "", *meant)
    return None
