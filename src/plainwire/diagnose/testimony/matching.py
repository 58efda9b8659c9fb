"""What the program said and what its kernel told it, held against what the wire shows.

A word belongs to the nearest failure of its process that it can mean; where it can mean none, to one close by
that it contradicts; else nothing on the wire explains it. All sentences are ours: of the program's own text
only the tables' names for it enter a finding.
"""

from __future__ import annotations

import errno
import re
from collections import Counter
from typing import TYPE_CHECKING

from plainwire.diagnose.certainty import withheld
from plainwire.diagnose.evidence.closes import client_first
from plainwire.diagnose.evidence.exchanges import ERROR_STATUS, MISREAD, REDIRECTS
from plainwire.model import Saying, Testimony

from . import sentences, without_packet, without_request
from .exit_statuses import ending
from .kernel_account import acknowledged, add_reasons
from .named_tests import RunningTests
from .sayings import lines_of
from .wire_facts import Fate, of_connection, of_exchange, with_code
from .wording import Wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from plainwire.model import Connection, Exchange, Finding, ProgramEvents, SocketClose, SocketError

    from .sayings import Said

SLACK_NS = 2_000_000
"""How much earlier than its packet a word may stand: the two times are read in different places."""
NEAR_NS = 2_000_000_000
"""A word that does not fit is about a failure as near as this, or about none that is known."""
ERROR_NS = 60_000_000_000
"""How long after its packet a program may meet a socket's error."""


_MOST_REMARKS = 5
_MOST_TESTS = 100
_ENDED_BY_CLIENT = frozenset(
    (Wire.SILENCE, Wire.STALL, Wire.HELLO_SILENCE, Wire.NO_CONNECT, Wire.CERTIFICATE, Wire.PROXY)
)
"""A proxy's refusal ends a connection too, whoever closes it then."""


class Account:
    """The fates of all exchanges that a word can be about, and what belongs to each."""

    def __init__(
        self, connections: Sequence[Connection], findings: Sequence[Finding], events: ProgramEvents
    ) -> None:
        self.events = events
        self.readable = any(c.exchanges for c in connections) and not any(c.undecrypted for c in connections)
        """Whether all connections of the program could be read, and there were requests on them."""
        codes = _Codes(findings)
        self.fates = sorted(
            (fate for connection in connections for fate in _fates(connection, codes)),
            key=lambda f: f.known_ns,
        )
        self.said: dict[int, list[Said]] = {}  # by index of the fate
        self.errors: dict[int, list[SocketError]] = {}
        self._told = list(self._failed_otherwise(connections, findings))
        self._unmade = [finding for finding in findings if not finding.exchanges]
        self.unexplained: list[Said] = []

    def place(self, heard: Iterable[Said]) -> list[tuple[Said, Fate | None]]:
        """Give each word and each socket error its fate."""
        self._place_errors()
        placed: list[tuple[Said, Fate | None]] = []
        for said in heard:
            index = self._home(said)
            if index is not None:
                self.said.setdefault(index, []).append(said)
            elif not said.weak and self.other_code(said) is None:
                self.unexplained.append(said)
            placed.append((said, None if index is None else self.fates[index]))
        return placed

    def other_code(self, said: Said) -> str | None:
        """The finding that explains the word though no exchange failed in a way that it can mean."""
        return self.unmade_code(said) or self._code_nearby(said)

    def _failed_otherwise(
        self, connections: Sequence[Connection], findings: Sequence[Finding]
    ) -> Iterator[tuple[Connection, int, str]]:
        """Exchanges whose failure a finding tells, though they are whole, or their end was not seen."""
        codes = {n: f.code for f in reversed(findings) if f.failure or f.code in MISREAD for n in f.exchanges}
        known = {f.exchange.id for f in self.fates if f.exchange is not None and f.failed}
        for connection in connections:
            for exchange in connection.exchanges:
                request, code = exchange.request, codes.get(exchange.id)
                if request is not None and code is not None and exchange.id not in known:
                    yield connection, request.time_ns, code

    def _code_nearby(self, said: Said) -> str | None:
        """What the process that spoke had last met of these; of them a client may say anything."""
        if said.wire <= {Wire.LOCAL} or said.weak:
            return None
        met = [
            (began_ns, code)
            for connection, began_ns, code in self._told
            if said.untimed or began_ns - SLACK_NS <= said.time_ns <= connection.last_ns + ERROR_NS
            if connection.program is None or connection.program.pid == said.pid or said.afterwards
        ]
        return max(met)[1] if met else None

    def unmade_code(self, said: Said) -> str | None:
        """The finding without a request that the word is about."""
        tell = (without_request.explains, without_packet.explains)
        return next((f.code for f in self._unmade if any(explains(f, said) for explains in tell)), None)

    def spoke_before(self, index: int) -> bool:
        """Whether the program spoke of it before its peer did what the wire shows: that was not why.

        Where the client ended it, its own word stands ahead of its close.
        """
        fate = self.fates[index]
        by_itself = fate.wire & _ENDED_BY_CLIENT
        known_ns = fate.known_ns - SLACK_NS
        return not by_itself and any(
            not said.untimed and said.time_ns < known_ns and said.wordings
            for said in self.said.get(index, ())
        )

    def last_call(self, index: int) -> SocketError | SocketClose | None:
        """The program's first call on the socket that tells how much had been acknowledged at the failure."""
        fate = self.fates[index]
        local = str(fate.connection.client)
        calls = [*self.errors.get(index, ()), *(each for each in self.events.closes if each.local == local)]
        after = [each for each in calls if each.acked is not None and each.time_ns >= fate.began_ns]
        return min(after, key=lambda each: each.time_ns, default=None)

    def code_of(self, connection: Connection) -> str | None:
        """The finding about a connection that came to no request."""
        return next((f.code for f in self._unmade if connection.id in f.connections), None)

    def _place_errors(self) -> None:
        """By the socket's own address; of several exchanges on it the last that had begun.

        Where connect() blocked and failed, only the port of that address is known, and the peer.
        """
        by_client: dict[str | tuple[int, str | None], list[int]] = {}
        for index, fate in enumerate(self.fates):
            client = fate.connection.client
            by_client.setdefault(str(client), []).append(index)
            by_client.setdefault((client.port, str(fate.connection.server)), []).append(index)
        for error in self.events.errors:
            port = error.local.rpartition(":")[2]
            blocked = error.call == "connect" and error.peer is not None and port.isdecimal()
            ends = (int(port), error.peer) if blocked else error.local
            begun = [
                index
                for index in by_client.get(ends, ())
                if self.fates[index].began_ns - SLACK_NS
                <= error.time_ns
                <= self.fates[index].known_ns + ERROR_NS
            ]
            if begun:
                nearest = max(begun, key=lambda index: self.fates[index].began_ns)
                self.errors.setdefault(nearest, []).append(error)

    def _home(self, said: Said) -> int | None:
        candidates = [i for i, fate in enumerate(self.fates) if self._possible(said, fate)]
        fitting = [i for i in candidates if self.fates[i].wire & said.wire]
        meant = [i for i in candidates if self.fates[i].failed and self._names(said, self.fates[i])]
        if meant and not set(meant) & set(fitting) and not said.weak:
            return min(meant, key=lambda i: self._distance(said, self.fates[i]))
        named = [i for i in fitting if self._names(said, self.fates[i])] if len(fitting) > 1 else []
        free = [i for i in named or fitting if self._is_free(i, said)]
        if free or named or fitting:
            return min(free or named or fitting, key=lambda i: self._distance(said, self.fates[i]))
        if said.weak or said.untimed or Wire.LOCAL in said.wire or not said.wordings:
            return None
        near = [
            i for i in candidates if self.fates[i].failed and self._distance(said, self.fates[i]) <= NEAR_NS
        ]
        free = [i for i in near if self._is_free(i, said)] or near
        return min(free, key=lambda i: self._distance(said, self.fates[i]), default=None)

    def _is_free(self, index: int, said: Said) -> bool:
        """A program tells a failure once on each output, as a rule, and its report of tests once more."""
        told = ((other.output, bool(other.test)) for other in self.said.get(index, ()))
        return (said.output, bool(said.test)) not in told

    @staticmethod
    def _names(said: Said, fate: Fate) -> bool:
        """Whether the words have the path of the request in them, whole. A query may be redacted."""
        request = None if fate.exchange is None else fate.exchange.request
        if request is None:
            return False
        path = request.target.partition("?")[0]
        if len(path) <= 1:
            return False
        told = [line.text for line in said.lines if path in line.text]
        return any(re.search(re.escape(path) + r"(?![\w/-]|\.\w)", text) for text in told)

    @staticmethod
    def _possible(said: Said, fate: Fate) -> bool:
        if said.afterwards:
            return True
        program = fate.connection.program
        if program is not None and program.pid != said.pid and not said.test:
            return False
        return fate.began_ns - SLACK_NS <= said.time_ns

    @staticmethod
    def _distance(said: Said, fate: Fate) -> int:
        if said.untimed:
            return fate.known_ns
        until_ns = max(fate.known_ns, fate.left_ns or 0)
        return max(fate.known_ns - said.time_ns, said.time_ns - until_ns, 0)


class _Codes:
    """The failures that findings tell, by exchange, and by connection where no exchange is told of."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        failures = [finding for finding in reversed(findings) if finding.failure]
        self.exchanges = {number: f.code for f in failures for number in f.exchanges}
        self.connections = {number: f.code for f in failures if not f.exchanges for number in f.connections}


def _fates(connection: Connection, codes: _Codes) -> list[Fate]:
    """The failures of a connection, and the responses that a program may complain about."""
    code = codes.connections.get(connection.id)
    fates = []
    if not connection.exchanges or code is not None:
        fates.append(of_connection(connection, code))
    for exchange in connection.exchanges:
        told = codes.exchanges.get(exchange.id)
        if told is None and _well(exchange):
            continue
        fate = of_exchange(connection, exchange)
        if fate is not None and told is not None:
            fate = with_code(fate, told)
            fate.left_ns = left.time_ns if (left := client_first(connection)) is not None else None
        fates.append(fate)
    return [fate for fate in fates if fate is not None]


def _well(exchange: Exchange) -> bool:
    """What nothing can be said of. Answers that came too late for the client are in a finding."""
    response = exchange.response
    if exchange.outcome != "complete" or response is None:
        return False
    return response.status < ERROR_STATUS and response.status not in REDIRECTS


def testify(
    connections: Sequence[Connection],
    findings: Sequence[Finding],
    events: ProgramEvents,
    heard: Sequence[Said],
) -> Testimony:
    """The program's account; each finding that it says something of gets ``program_says``.

    ``findings`` are those of ``diagnose`` and of ``without_request``; ``heard`` is what the program said.

    Pure: reads no clock, file or environment.
    """
    account = Account(connections, findings, events)
    placed = account.place(heard)
    codes = {number: finding.code for finding in reversed(findings) for number in finding.exchanges}
    add_reasons(connections, findings, events)
    ran = RunningTests(events)
    _misread(findings, placed, account)
    for finding in findings:
        finding.failure |= _was_spoken_of(finding, account)
        finding.tests = _tests_of(finding, account, ran)
        finding.program_says = finding.program_says or _of_finding(finding, account)
        if any(account.spoke_before(index) for index in _own_fates(finding, account)):
            finding.certainty = withheld(finding.certainty)
    names = (errno.errorcode.get(error.error, str(error.error)) for error in events.errors)
    return Testimony(
        command=events.command,
        exit_status=events.exit_status,
        processes=list(events.processes.values()),
        errors=dict(Counter(names)),
        sayings=[_saying(said, fate, codes, account) for said, fate in placed],
        remarks=_remarks(account, findings, placed),
        lines=sum(1 for _ in lines_of(events)),
    )


def _misread(
    findings: Sequence[Finding], placed: Sequence[tuple[Said, Fate | None]], account: Account
) -> None:
    """A response that breaks the rules has made the program fail where that says so, whole as it is."""
    for said, fate in placed:
        if fate is not None or Wire.NONSENSE not in said.wire:
            continue
        code = account.other_code(said)
        for finding in findings:
            if finding.code == code and code in MISREAD and not finding.program_says:
                finding.failure = True
                speaker = sentences.speaker(said, account.events.processes.get(said.pid))
                finding.program_says = f"{speaker} said {said.label}."


def _saying(said: Said, fate: Fate | None, codes: dict[int, str], account: Account) -> Saying:
    exchange = None if fate is None or fate.exchange is None else fate.exchange.id
    if fate is None:
        code = account.other_code(said)
    else:
        code = account.code_of(fate.connection) if exchange is None else codes.get(exchange)
    return Saying(
        said.time_ns,
        said.pid,
        said.told_by,
        said.label,
        said.client,
        code,
        exchange,
        said.untimed,
        own=said.wire <= {Wire.LOCAL},
        connection=None if fate is None else fate.connection.id,
        why=_why_untied(said, account) if code is None and fate is None else "",
        weak=said.weak,
        lines=len(said.lines),
        test=said.test,
    )


def _why_untied(said: Said, account: Account) -> str:
    if said.wire <= {Wire.LOCAL}:
        return "It names nothing of the network."
    if said.weak:
        return "It fits no failure, and need not be about one."
    if not account.readable:
        return "The wire could not be read."
    return "Nothing that was seen on the wire explains it."


def _own_fates(finding: Finding, account: Account) -> list[int]:
    """Which fates a finding is about, by index."""
    exchanges, connections = set(finding.exchanges), set(finding.connections)
    return [
        index
        for index, fate in enumerate(account.fates)
        if (fate.exchange.id in exchanges if fate.exchange is not None else not exchanges)
        and fate.connection.id in connections
    ]


def _was_spoken_of(finding: Finding, account: Account) -> bool:
    """Whether an attempt to connect failed for the program too, though a later one did not."""
    if finding.exchanges:
        return False
    return any(
        account.fates[index].wire & said.wire
        for index in _own_fates(finding, account)
        for said in account.said.get(index, ())
    )


def _tests_of(finding: Finding, account: Account, ran: RunningTests) -> list[str]:
    """The tests in which its failures happened, in order."""
    reported: dict[str, None] = {}
    running: dict[str, None] = {}
    for index in _own_fates(finding, account) if finding.failure else ():
        fate = account.fates[index]
        program = fate.connection.program
        reported |= {said.test: None for said in account.said.get(index, ()) if said.test}
        name = "" if program is None else ran.at(program.pid, fate.began_ns)
        running |= {name: None} if name else {}
    names = reported or running  # what runs may have started what reports
    return list(names)[:_MOST_TESTS]


def _of_finding(finding: Finding, account: Account) -> str:
    mine = _own_fates(finding, account)
    if not mine or not finding.failure:
        return ""
    if not account.events.processes:
        return ""
    spoken = [index for index in mine if index in account.said]
    errors = [index for index in mine if index in account.errors]
    first = spoken[0] if spoken else errors[0] if errors else mine[0]
    fate = account.fates[first]
    if spoken:
        told = sentences.of_words(account.said[first], fate, account.events)
    else:
        told = sentences.of_exit(account.events, fate)
    parts = [
        told,
        sentences.of_errors(account.errors.get(first, []), fate),
        sentences.of_closes(fate, account.events),
        acknowledged(fate, account.last_call(first)),
        "" if told and not spoken else sentences.of_silence(len(mine), len(spoken), fate, account.events),
    ]
    return " ".join(part for part in parts if part)


def _remarks(
    account: Account, findings: Sequence[Finding], placed: Sequence[tuple[Said, Fate | None]]
) -> list[str]:
    """What the words say beyond the findings."""
    events = account.events
    told = {number for finding in findings for number in finding.connections}
    remarks = [
        f"Connection {fate.connection.id}: {sentences.of_words([said], fate, events)}"
        for said, fate in placed
        if fate is not None and fate.failed and fate.connection.id not in told
    ][:_MOST_REMARKS]
    if account.unexplained:
        remarks.append(_of_unexplained(account))
    explained = account.said or any(f.failure or f.code in MISREAD for f in findings)
    if events.exit_status and not explained and account.readable:
        end = ending(events, events.pid)
        meaning = f": {sentences.listed(end.wire)}" if end else ""
        status = f"The program ended with status {events.exit_status}{meaning}"
        remarks.append(f"{status}; no request failed on the wire.")
    return remarks


def _of_unexplained(account: Account) -> str:
    counted = Counter(
        f"{said.label} ({said.client})" if said.wordings else said.label for said in account.unexplained
    )
    most = counted.most_common(_MOST_REMARKS)
    listed = ", ".join(f"{count} times {label}" if count > 1 else label for label, count in most)
    if not account.readable:
        return f"What the program said cannot be held against the wire, which could not be read: {listed}."
    return f"Nothing that was seen on the wire explains what the program said: {listed}."
