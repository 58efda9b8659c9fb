"""The finding ``syn-timeout`` for a client whose limit for connecting is shorter than a SYN's repetition.

A SYN is sent again after one second (RFC 6298 section 2). Who gives up sooner leaves one packet, and as the
program ends with that, so does the capture: that the time was up, and not only the capture, the program says,
or its exit status.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose import wording
from plainwire.diagnose.evidence import opening
from plainwire.model import Evidence

from .exit_statuses import ending
from .program_finding import finding_of_the_program
from .wording import Wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.model import Connection, Finding, ProgramEvents, Sign

    from .sayings import Said

CODE = "syn-timeout"
_SOONEST_NS = 200_000_000
"""A connect takes no longer on paths of daily life; who gives up sooner may have raced two addresses."""
_SLACK_NS = 2_000_000
"""Times of the program and of the capture differ by less: one host, two readings (chosen)."""
_LATE_NS = 1_000_000_000
"""How long after the limit a program may speak of it, or end (chosen)."""
_AGAIN_BY_NS = 1_300_000_000
"""By then a SYN has been sent again."""
_MOST_CITED = 8


def unanswered_connects(
    connections: Sequence[Connection],
    findings: list[Finding],
    signs: Sequence[Sign],
    events: ProgramEvents,
    said: Sequence[Said],
) -> list[Finding]:
    """The findings, with one for each server address that did not answer in the time that the program gave.

    The signs are claimed. Pure.
    """
    told = {number for finding in findings for number in finding.connections}
    met: dict[str, list[tuple[Connection, int, list[Said]]]] = {}
    words = [s for s in said if Wire.NO_CONNECT in s.wire]
    for connection in connections:
        begin = opening.of(connection)
        if begin is None or connection.established or len(begin.syns) != 1 or connection.id in told:
            continue
        if begin.syn_acks or begin.server or begin.resets or connection.icmp_errors:
            continue
        waited, own = _given_up(connection, begin.syns[0].time_ns, words, events)
        if waited is not None:
            met.setdefault(str(connection.server), []).append((connection, waited, own))
    numbers = {connection.id for cases in met.values() for connection, _, _ in cases}
    for sign in signs:
        if sign.connection in numbers and sign.kind == "connect-failed":
            sign.claimed_by = CODE
    return [*(_finding(server, cases, events) for server, cases in met.items()), *findings]


def _given_up(
    connection: Connection, syn_ns: int, words: Sequence[Said], events: ProgramEvents
) -> tuple[int | None, list[Said]]:
    """How long (ns) the program waited, and what it said of it; None where nothing tells that it gave up."""
    if connection.program is None:
        return None, []
    pid = connection.program.pid
    own = [s for s in words if s.pid == pid and not s.untimed]
    for each in own:
        waited = each.time_ns - syn_ns
        if _SOONEST_NS - _SLACK_NS <= waited <= _AGAIN_BY_NS + _LATE_NS:
            return waited, [each]
    ended = events.ended_ns
    end = ending(events, pid)
    if ended is None or pid != events.pid or end is None:
        return None, []
    if Wire.NO_CONNECT in end.wire and _SOONEST_NS <= ended - syn_ns <= _AGAIN_BY_NS + _LATE_NS:
        return ended - syn_ns, []
    return None, []


def _finding(server: str, cases: list[tuple[Connection, int, list[Said]]], events: ProgramEvents) -> Finding:
    connection, waited, _ = cases[0]
    said = [each for _, _, own in cases for each in own]
    told = "" if said else f"It ended with status {events.exit_status}, which stands for this among others."
    often = "" if len(cases) == 1 else f" {plurals.count(len(cases), 'connection')} ended so."
    return finding_of_the_program(
        CODE,
        f"Nothing at {server} answered the attempt to connect. Connection {connection.id}: the SYN was sent "
        f"once, and nothing came back in {wording.span(waited)}: no SYN-ACK, no RST, no ICMP error. Then the "
        f"client gave up, before its kernel would have sent the SYN again (after 1 s).{often}",
        [
            Evidence(c.first_packet, "SYN from the client, without any answer")
            for c, _, _ in cases[:_MOST_CITED]
        ],
        said,
        events,
        fault="unknown",
        told=told,
        runner_up="one SYN that was lost on the way: not to be told apart, as none was sent again",
        advice="Look whether the address is right, and whether a firewall drops what is sent to it. Allow "
        "more than 3 s for connecting: with less, one lost packet is a failure.",
        connections=[c for c, _, _ in cases],
    )
