"""The finding ``client-own-error``: curl's exit status tells what no packet shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose.certainty import GRADES, SURE
from plainwire.diagnose.grounds import Ground
from plainwire.model import Evidence, Process

from .curl_statuses import CURL, ENDINGS
from .program_finding import finding_of_the_program, of_processes, take_over
from .refused_certificates import CODE as REFUSED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from plainwire.model import Connection, Finding, ProgramEvents, Sign

CODE = "client-own-error"
_MOST_CITED = 8
_ABOUT_CERTIFICATES = (83, 90, 91)
"""Exit statuses by which curl says what it did not accept in a certificate (libcurl-errors(3))."""


def own_errors(
    connections: Sequence[Connection], findings: list[Finding], signs: Sequence[Sign], events: ProgramEvents
) -> list[Finding]:
    """The findings with ``client-own-error`` for what nothing but an exit status of curl explains.

    A finding that could say nothing of the same connections gives way. Pure.
    """
    ends: dict[int, set[int]] = {}
    for process, status in _ended(events):
        if status in ENDINGS:
            ends.setdefault(status, set()).add(process.pid)
    found: list[Finding] = []
    for status, pids in ends.items():
        own = list(of_processes(connections, pids))
        numbers = {connection.id for connection in own}
        if _is_told(findings, numbers):
            _confirm(findings, numbers, status)
            continue
        weak = [f for f in findings if f.code == "unexplained" and f.connections]
        weak = [f for f in weak if numbers.issuperset(f.connections)]
        findings = [f for f in findings if f not in weak]
        take_over(signs, "unexplained", CODE, numbers)
        found.append(_finding(status, len(pids), own, weak, events))
    return [*found, *findings]


def _confirm(findings: Sequence[Finding], numbers: set[int], status: int) -> None:
    """Make more of what only fits, where curl itself says that it was the certificate, and in which way."""
    for finding in findings:
        if finding.code == REFUSED and status in _ABOUT_CERTIFICATES and numbers >= set(finding.connections):
            finding.certainty = max(finding.certainty, SURE[Ground.INFERENCE], key=GRADES.index)
            finding.advice_client = ENDINGS[status].advice


def _is_told(findings: Sequence[Finding], numbers: set[int]) -> bool:
    """Whether another finding says why what was on these connections failed, or why there are none."""
    return any(
        finding.failure
        and finding.code not in ("unexplained", "capture-artifact")
        and (numbers.intersection(finding.connections) if numbers else not finding.connections)
        for finding in findings
    )


def _ended(events: ProgramEvents) -> Iterator[tuple[Process, int]]:
    command = events.command[0].rpartition("/")[2] if events.command else ""
    if events.pid not in events.processes and command == CURL and events.pid and events.exit_status:
        yield Process(events.pid, CURL, runtime=CURL), events.exit_status  # it came to no socket
    for process in events.processes.values():
        status = process.exit_status
        if status is None and process.pid == events.pid:
            status = events.exit_status
        if process.runtime == CURL and status:
            yield process, status


def _finding(
    status: int, times: int, own: list[Connection], weak: list[Finding], events: ProgramEvents
) -> Finding:
    ending = ENDINGS[status]
    often = "" if times == 1 else f", {plurals.times(times)}"
    asked = sum(len(connection.exchanges) for connection in own)
    wire = (
        f"On the wire {plurals.count(asked, 'request')} went out, and nothing there failed."
        if asked
        else "No request went out."
    )
    return finding_of_the_program(
        CODE,
        f"curl ended with exit status {status}{often}: {ending.says}. {wire}",
        [cited for each in weak for cited in each.evidence][:_MOST_CITED]
        or [Evidence(c.first_packet, f"connection {c.id} begins") for c in own[:_MOST_CITED]],
        [],
        events,
        fault=ending.fault,
        runner_up="a fault of the server or the path: refuted where no packet shows one",
        advice=ending.advice,
        connections=own,
        exchanges=(number for each in weak for number in each.exchanges),
    )
