"""GOAWAY frames that name an error and cut no stream off: failures where the program failed over them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .program_finding import of_processes
from .wording import Wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from plainwire.model import Connection, Finding, ProgramEvents

    from .sayings import Said

_STEM = "goaway-error"


def spoken_goaways(
    connections: Sequence[Connection],
    findings: Iterable[Finding],
    events: ProgramEvents,
    said: Sequence[Said],
) -> None:
    """Take such findings for failures where a program that failed speaks of a session that is over."""
    if not events.exit_status:
        return
    pids = {each.pid for each in said if Wire.GOAWAY in each.wire}
    own = {connection.id for connection in of_processes(connections, pids)}
    for finding in findings:
        if (
            finding.code.startswith(_STEM)
            and finding.failure is False
            and own.intersection(finding.connections)
        ):
            finding.failure = True
