"""The finding ``client-timeout-too-short`` where only the client's words tell that a timer ended its wait.

One wait that ends after an odd time looks on the wire like any other close of the client (``client-abort``):
a cancellation, the end of the process. A client that says "timed out" says which of them it was, be it by its
exit status (curl: 28).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from plainwire.diagnose.causes.catalogue import CAUSES
from plainwire.diagnose.certainty import GRADES, SURE
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.thresholds import HASTY_NS
from plainwire.diagnose.verdict import ONE_DECISION_WHY

from .matching import Account
from .sentences import exit_wire
from .wording import TIMEOUTS, Wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.model import Connection, Finding, ProgramEvents, Sign

    from .sayings import Said
    from .wire_facts import Fate

ABORT, CODE = "client-abort", "client-timeout-too-short"

_AT_ONCE_NS = 50_000_000
"""What one decision ends it ends within this time, on a busy machine too."""

_OF_A_LIMIT = frozenset((*TIMEOUTS, Wire.CALL_STATUS))
"""The last for DEADLINE_EXCEEDED: a limit as well, and of a call whose status is seen there is no abort."""

_ALL_LIMITS = frozenset(TIMEOUTS)
_REPEATED_UNTIL = frozenset((Wire.STREAM_REFUSED, Wire.GOAWAY))
"""What Go repeats until its deadline: its word for the deadline may stand behind these as well."""


def spoken_timeouts(
    connections: Sequence[Connection],
    findings: Sequence[Finding],
    signs: Sequence[Sign],
    events: ProgramEvents,
    heard: Sequence[Said],
) -> None:
    """Make ``client-timeout-too-short`` of ``client-abort`` where each of its exchanges was said to time out.

    A word that may mean something else beside a time limit tells nothing. What the same process ended at the
    same instant is one decision, of which one word is enough.
    """
    aborts = [finding for finding in findings if finding.code == ABORT]
    if not aborts:
        return
    account = Account(connections, findings, events)
    placed = account.place([each for each in heard if _is_timeout(each)])
    told = {fate.exchange.id for _, fate in placed if fate is not None and fate.exchange is not None}
    gave_up = {number for finding in aborts for number in finding.exchanges}
    fates = {f.exchange.id: f for f in account.fates if f.exchange is not None and f.exchange.id in gave_up}
    for one in [fates[number] for number in told & set(fates)]:
        told |= {number for number, fate in fates.items() if _is_one_decision(one, fate)}
    owners = Counter(_pid(fate) for fate in fates.values())
    for number, fate in fates.items():
        if owners[_pid(fate)] == 1 and exit_wire(events, fate) == frozenset(TIMEOUTS):
            told.add(number)
    for finding in aborts:
        if told >= set(finding.exchanges):
            _rename(finding, [fates[number] for number in finding.exchanges])
            for sign in signs:
                if sign.claimed_by == ABORT and sign.exchange in finding.exchanges:
                    sign.claimed_by = CODE


def _pid(fate: Fate) -> int | None:
    program = fate.connection.program
    return None if program is None else program.pid


def _is_one_decision(one: Fate, other: Fate) -> bool:
    return _pid(one) == _pid(other) and abs(one.known_ns - other.known_ns) <= _AT_ONCE_NS


def _is_timeout(said: Said) -> bool:
    if not said.wordings or said.weak:
        return False
    return said.wire <= _OF_A_LIMIT or (_ALL_LIMITS <= said.wire <= _ALL_LIMITS | _REPEATED_UNTIL)


def _rename(finding: Finding, fates: Sequence[Fate]) -> None:
    was, cause = CAUSES[ABORT], CAUSES[CODE]
    finding.code = CODE
    claim = finding.claim.replace(was.title, cause.title, 1).replace(ONE_DECISION_WHY, "")
    finding.claim = f"{claim} The program says that the time was up: a limit of its own, not a cancellation."
    finding.certainty = min(finding.certainty, SURE[Ground.INFERENCE], key=GRADES.index)
    if any(fate.known_ns - fate.began_ns < HASTY_NS for fate in fates):
        finding.fault = "client"
    finding.refuted_by = cause.refuted
    finding.advice_client, finding.advice_server = cause.client, cause.server
    finding.references = list(cause.references)
    finding.client_needs, finding.server_needs = cause.client_needs, cause.server_needs
