"""The finding ``client-timeout-too-short`` for a handshake that the client gave up, as only its words tell.

A client that leaves in mid-handshake after less than a second may have been refused, or have refused the
certificate, or have been stopped: the wire shows none of it. Where it says that its time was up, it was its
limit: Java's and curl's limits for connecting hold for TLS too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose import wording
from plainwire.diagnose.evidence import opening
from plainwire.diagnose.evidence.closes import client_first
from plainwire.diagnose.thresholds import HASTY_NS
from plainwire.model import Evidence

from .exit_statuses import ending
from .program_finding import finding_of_the_program, take_over
from .wording import TIMEOUTS, Wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.model import CloseEvent, Connection, Finding, ProgramEvents, Sign

    from .sayings import Said

CODE = "client-timeout-too-short"
_WEAK = frozenset(("unexplained", "cert-refused-without-alert"))
"""What such a close is taken for where nobody speaks."""
_NEAR_ITS_CLOSE_NS = 1_000_000_000
"""How far the program's word or end may be from its close (chosen)."""
_MOST_CITED = 8


def spoken_handshakes(
    connections: Sequence[Connection],
    findings: list[Finding],
    signs: Sequence[Sign],
    events: ProgramEvents,
    heard: Sequence[Said],
) -> list[Finding]:
    """The findings, weak ones replaced where the program said that its time was up. Pure."""
    words = [s for s in heard if Wire.HELLO_SILENCE in s.wire and s.wire <= frozenset(TIMEOUTS)]
    by_id = {connection.id: connection for connection in connections}
    kept: list[Finding] = []
    for finding in findings:
        own = _given_up(finding, by_id)
        told = [_told(*each, words, events) for each in own]
        if not own or None in told:
            kept.append(finding)
            continue
        take_over(signs, finding.code, CODE, finding.connections)
        kept.append(_finding(own, [said for one in told if one for said in one], events))
    return kept


def _given_up(finding: Finding, by_id: dict[int, Connection]) -> list[tuple[Connection, CloseEvent]]:
    """The connections of a weak finding, and their closes; nothing where one of them was not left so."""
    if finding.code not in _WEAK or finding.exchanges:
        return []
    own = [by_id[number] for number in finding.connections if number in by_id]
    left = [(one, close) for one in own if (close := _left_in_handshake(one)) is not None]
    return left if len(left) == len(finding.connections) else []


def _left_in_handshake(connection: Connection) -> CloseEvent | None:
    """The client's close, where it came first and before the handshake was over."""
    tls, close = opening.handshake_session(connection), client_first(connection)
    if tls is None or tls.handshake_complete or not connection.established or connection.undecrypted:
        return None
    return None if close is None or close.kind == "alert" else close


def _told(
    connection: Connection, close: CloseEvent, words: Sequence[Said], events: ProgramEvents
) -> list[Said] | None:
    """What the process said of it: nothing where its exit status says it all, None where neither does."""
    if connection.program is None:
        return None
    pid = connection.program.pid
    own = [
        s
        for s in words
        if s.pid == pid and not s.untimed and abs(s.time_ns - close.time_ns) <= _NEAR_ITS_CLOSE_NS
    ]
    end = ending(events, pid)
    if own or (end is not None and end.wire == frozenset(TIMEOUTS)):
        return own[:1]
    return None


def _finding(cases: list[tuple[Connection, CloseEvent]], said: list[Said], events: ProgramEvents) -> Finding:
    connection, close = cases[0]
    waited = close.time_ns - connection.opened_ns
    often = "" if len(cases) == 1 else f" {plurals.count(len(cases), 'connection')} ended so."
    return finding_of_the_program(
        CODE,
        f"The client ended connection {connection.id} ({wording.act(close)}) in the middle of the TLS "
        f"handshake, {wording.span(waited)} after it had begun to connect, and says that its time was up: a "
        f"limit of its own, which holds for TCP and TLS together.{often}",
        [Evidence(c.packet, f"{wording.act(c)} from the client") for _, c in cases[:_MOST_CITED]],
        said,
        events,
        fault="client" if waited < HASTY_NS else "unknown",
        told="" if said else "Its exit status says that the time was up.",
        runner_up="cert-refused-without-alert: refuted, it says that it had no time left",
        advice="Allow more time for connecting than TCP and TLS take together on a busy day.",
        connections=[c for c, _ in cases],
    )
