"""The ledger: whoever says "nothing wrong" has accounted for every sign of trouble.

A sign is accounted for by a finding about its exchange, its packets or its connection, or by a reason that
makes it harmless. What is left stands in findings of its own, which say that nothing explains it.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from plainwire.model import Evidence, Finding

from .causes.catalogue import CAUSES
from .certainty import SURE
from .evidence.exchanges import MISREAD
from .findings import group
from .grounds import Ground
from .signs import collect, program
from .traffic.spare_copies import spare_copies
from .verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    from plainwire.model import Connection, ProgramEvents, Report, Sign, Testimony

__all__ = ["account", "account_program", "claim", "collect"]

_MOST_CITED = 8


def account(connections: Sequence[Connection], findings: list[Finding]) -> list[Sign]:
    """All signs, each claimed or harmless: ``findings`` gets one for those that no other explains.

    Pure: reads no clock, file or environment.
    """
    signs = collect(connections, spare_copies)
    unasked = {e.id for c in connections for e in c.exchanges if e.request is None}
    claim(signs, findings, unasked)
    left = [sign for sign in signs if sign.open]
    if left:
        findings += _unexplained(left, connections)
        claim(left, findings)
    return signs


def account_program(
    report: Report, events: ProgramEvents, testimony: Testimony, *, stopped: str
) -> tuple[list[Sign], Finding | None]:
    """The program's signs, and a finding for those that nothing accounts for.

    Where the traffic could not be read there is no such finding: that is said of the capture as it is. Beside
    a failure that is explained a word too many is no failure of its own.
    """
    signs = program.signs(report.connections, report.findings, events, testimony, stopped=stopped)
    left = [each for each in signs if each.open]
    readable = any(c.exchanges for c in report.connections) and not any(
        c.undecrypted for c in report.connections
    )
    failed = any((f.failure and f.code != "capture-artifact") or f.code in MISREAD for f in report.findings)
    if not left or not readable or failed:
        return signs, None
    for each in left:
        each.claimed_by = "unexplained"
    return signs, _of_program(left, events)


def _of_program(left: Sequence[Sign], events: ProgramEvents) -> Finding:
    cause = CAUSES["unexplained"]
    counted = Counter(each.says for each in left).most_common(_MOST_CITED)
    said = "; ".join(says if times == 1 else f"{says} ({times} times)" for says, times in counted)
    ended = "" if events.exit_status is None else f" It ended with status {events.exit_status}."
    ended = "" if any(each.kind == "exit-status" for each in left) else ended
    return Finding(
        code="unexplained",
        claim=f"{said[:1].upper()}{said[1:]}.{ended} Nothing that was seen on the wire says why.",
        fault="unknown",
        certainty=SURE[Ground.GUESS],
        exchanges=[],
        connections=[],
        evidence=[],
        refuted_by=cause.refuted,
        advice_client=cause.client,
        advice_server=cause.server,
        references=list(cause.references),
    )


def claim(signs: Iterable[Sign], findings: Sequence[Finding], unasked: Container[int] = frozenset()) -> None:
    """Give each sign the finding that explains it.

    One that cites its packet comes first; then one whose exchanges failed with it; then one that says why
    its connection failed. What is said beside a failure explains nothing but what it cites. What came without
    a request (``unasked``, by exchange) belongs to what its connection failed by.
    """
    claims = _Claims(findings, unasked)
    for sign in signs:
        code = claims.of(sign)
        if code is not None:
            sign.claimed_by = code


class _Claims:
    """What the findings speak of: the first that does counts."""

    def __init__(self, findings: Sequence[Finding], unasked: Container[int]) -> None:
        self._unasked = unasked
        self._packets: dict[int, str] = {}
        self._exchanges: dict[int, str] = {}
        self._connections: dict[int, str] = {}
        for finding in sorted(findings, key=lambda f: not f.failure):
            _enter(self._packets, finding.packets, finding.code)
            if finding.failure or _tells_why(finding):
                _enter(self._exchanges, finding.exchanges, finding.code)
                _enter(self._connections, finding.connections, finding.code)

    def of(self, sign: Sign) -> str | None:
        cited = next((self._packets[packet] for packet in sign.packets if packet in self._packets), None)
        if cited is not None or not sign.open:
            return cited
        if sign.exchange is not None and sign.exchange not in self._unasked:
            return self._exchanges.get(sign.exchange)
        return self._connections.get(sign.connection or 0)


def _tells_why(finding: Finding) -> bool:
    """Whether what is no failure for the program says all the same why its connections ended."""
    about_connections = not finding.exchanges and CAUSES[finding.code].failure
    return about_connections or finding.code == "capture-artifact" or finding.code in MISREAD


def _enter(known: dict[int, str], numbers: Iterable[int], code: str) -> None:
    for number in numbers:
        known.setdefault(number, code)


def _unexplained(signs: Sequence[Sign], connections: Sequence[Connection]) -> list[Finding]:
    """One finding for each server address: what happened, and no accusation."""
    by_id = {connection.id: connection for connection in connections}
    places: dict[tuple[int, int | None], list[Sign]] = {}
    for sign in signs:
        if sign.connection is not None:
            places.setdefault((sign.connection, sign.exchange), []).append(sign)
    return group([_verdict(by_id[place[0]], own) for place, own in places.items()], connections)


def _verdict(connection: Connection, signs: Sequence[Sign]) -> Verdict:
    exchange = signs[0].exchange
    said = "; ".join(dict.fromkeys(sign.says for sign in signs))
    return Verdict(
        code="unexplained",
        connection=connection,
        exchanges=() if exchange is None else (exchange,),
        fault="unknown",
        grounds=(Ground.GUESS,),
        facts=f"{said[:1].upper()}{said[1:]}. Nothing in the capture says why.",
        evidence=tuple(
            Evidence(packet, sign.says) for sign in signs for packet in sign.packets[-_MOST_CITED:]
        ),
        time_ns=connection.opened_ns,
        failure=None if exchange is not None else True,
    )
