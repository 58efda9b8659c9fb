"""Failures that no exchange shows, because no request was sent: dns-failure, pool-wait, local-resource.

Only the program's own words tell of them, or that a capture of nobody's in particular has questions for names
and no connection at all. What the capture holds of the same moment shows why: the answers of
the name servers, the connections that were busy.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

from msgspec import Struct, field

from plainwire import plurals
from plainwire.diagnose import wording
from plainwire.model import Evidence, Finding, ProgramEvents

from .exit_statuses import ending
from .program_finding import finding_of_the_program
from .wording import Wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.model import Connection, Exchange, Lookup

    from .sayings import Said

POOL = frozenset({"PoolTimeout"})
RESOURCES = frozenset({"too many open files", "no free local port", "no buffer space"})
"""The tables' names for words of this kind."""

_DNS_PORT = 53
"""RFC 1035 section 4.2."""
OF_NAME_SERVERS = "Port 53 is a name server's"
"""How the rules of connecting say that it was a resolver's attempt."""

_SHORTAGES = frozenset((errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM))
_BEFORE_NS = 30_000_000_000
"""How long before the program's words their cause may lie: resolvers give up after ten seconds or so."""
_CLOCK_SLACK_NS = 2_000_000
"""Times of the program and of the capture differ by less: one host, two readings (chosen)."""
_LEAVING_NS = 1_000_000_000
"""How long before its words a program may have closed what was open when the failure struck: Python's
``with`` closes first, and the traceback is printed at the end."""
_GATHERED_NS = 100_000_000
"""How long before its words the exchange may have ended for which the program waited ahead of speaking:
``asyncio.gather`` gives errors back together with the results (chosen)."""
_MOST_CITED = 8
_MOST_NAMES = 20


class _Unresolved(Struct):
    """A name without an address, and what was asked and said of it."""

    name: str
    lookups: list[Lookup]
    said: list[Said] = field(default_factory=list)
    exit: str = ""  # what the exit status says of it, where no words were seen

    @property
    def last_ns(self) -> int:
        """When the last answer came, or the last question left that had none."""
        last = self.lookups[-1]
        return last.sent[-1][1] if last.answered_ns is None else last.answered_ns


def without_request(
    connections: Sequence[Connection],
    lookups: Sequence[Lookup],
    events: ProgramEvents,
    heard: Sequence[Said],
) -> list[Finding]:
    """A finding for each such failure of the watched program; none where the capture shows nothing of it.

    ``heard`` is what the program said. Pure: reads no clock, file or environment.
    """
    status = "" if connections else _exit_for_a_name(events)
    over_tcp = {c.server.address for c in connections if c.server.port == _DNS_PORT and not c.established}
    told = [k for k in lookups if not (k.cut and k.server in over_tcp)]  # else the connection is told
    found = _names([s for s in heard if s.wire == {Wire.NAME}], status, told, events)
    waits = [s for s in heard if s.label in POOL]
    if waits:
        found += _pool(waits, connections, events)
    return [*found, *_resources([s for s in heard if s.label in RESOURCES], connections, events)]


def unresolved_names(lookups: Sequence[Lookup]) -> list[Finding]:
    """A finding for each name without an address, in a capture that holds no connection.

    Where there are connections such names are daily noise: search lists, names that a browser tries. One
    question without an answer may be the capture's end. Pure.
    """
    nobody = ProgramEvents()
    return [_of_name(each, nobody) for each in _unresolved(lookups) if _was_sought(each)][:_MOST_NAMES]


def _was_sought(name: _Unresolved) -> bool:
    """Whether somebody said that there is no address, or nobody said anything although asked again."""
    if any(lookup.refused for lookup in name.lookups):
        return True
    servers = {lookup.server for lookup in name.lookups}
    return len(servers) > 1 or any(len(lookup.sent) > 1 for lookup in name.lookups)


def explains(finding: Finding, said: Said) -> bool:
    """Whether a finding of this kind is what the program spoke of."""
    if finding.exchanges:
        return False
    match finding.code:
        case "dns-failure":
            return said.wire == {Wire.NAME}
        case "connection-refused" | "syn-timeout":
            return said.wire == {Wire.NAME} and OF_NAME_SERVERS in finding.claim
        case "pool-wait":
            return said.label in POOL
        case "local-resource":
            return said.label in RESOURCES
    return False


def _names(
    said: Sequence[Said], status: str, lookups: Sequence[Lookup], events: ProgramEvents
) -> list[Finding]:
    """One finding a name; a word that names none belongs to the name that was asked for last.

    ``status``: what the exit status says, for where no words were seen.
    """
    status = "" if said else status
    unresolved = _unresolved(lookups, told=True) if said or status else []
    for each in said:
        text = "\n".join(line.text for line in each.lines).lower()
        near = [u for u in unresolved if each.untimed or _soon_before(u, each.time_ns)]
        named = [u for u in near if u.name.rstrip(".") in text]
        if near:
            min(named or near[-1:], key=lambda u: len(u.name)).said.append(each)
    for last in [u for u in unresolved if status and _soon_before(u, events.ended_ns)][-1:]:
        last.exit = status
    return [_of_name(each, events) for each in unresolved if each.said or each.exit][:_MOST_NAMES]


def _exit_for_a_name(events: ProgramEvents) -> str:
    """Our words for an exit status that stands for a name without an address."""
    end = ending(events, events.pid)
    if end is None or Wire.NAME not in end.wire:
        return ""
    among = " among other things" if len(end.wire) > 1 else ""
    return f"{end.program} ended with {end.says}, which stands for {Wire.NAME.value}{among}."


def _soon_before(unresolved: _Unresolved, at_ns: int | None) -> bool:
    return at_ns is not None and at_ns - _BEFORE_NS <= unresolved.last_ns <= at_ns + _CLOCK_SLACK_NS


def _unresolved(lookups: Sequence[Lookup], *, told: bool = False) -> list[_Unresolved]:
    """Names to which no answer gave an address, by the time of the last question.

    An answer without an address may be a sound one (a name for IPv4 only): it counts where the program
    ``told`` of a failure.

    Resolvers append the domains of their search list: of names that begin with one another only the
    shortest counts, and none where one of them has an address.
    """
    names: dict[str, list[Lookup]] = {}
    for lookup in lookups:
        names.setdefault(lookup.name, []).append(lookup)
    resolved = {name for name, asked in names.items() if any(lookup.addresses for lookup in asked)}
    begun = {beginning for name in resolved for beginning in _beginnings(name)}
    failed = (
        n
        for n in names
        if n not in resolved and (told or any(k.refused or k.answer is None for k in names[n]))
    )
    own = (n for n in failed if n not in begun and not any(b in names for b in _beginnings(n)))
    return sorted((_Unresolved(n, names[n]) for n in own), key=lambda u: u.last_ns)


def _beginnings(name: str) -> list[str]:
    """What the name would be without domains appended: ``a.b.c`` is ``a`` or ``a.b`` with one."""
    labels = name.split(".")
    return [".".join(labels[:count]) for count in range(1, len(labels))]


def _of_name(unresolved: _Unresolved, events: ProgramEvents) -> Finding:
    asked = unresolved.lookups
    answers = list(dict.fromkeys(f"{k.server} {_answer_words(k)}" for k in asked))[:3]
    times = sum(len(lookup.sent) for lookup in asked)
    evidence = [
        cited
        for lookup in asked[-3:]
        for cited in (
            Evidence(lookup.sent[0][0], f"the question for {lookup.name} ({lookup.type})"),
            *((Evidence(lookup.answer, f"{lookup.code}, no address"),) if lookup.answer is not None else ()),
        )
    ]
    return finding_of_the_program(
        "dns-failure",
        f"The name {unresolved.name} was not resolved, and no connection was made. It was asked for "
        f"{plurals.times(times)}: {'; '.join(answers)}.",
        evidence,
        unresolved.said,
        events,
        runner_up="a server that cannot be reached: refuted, no packet was sent to any address of the name",
        fault="unknown",
        told=unresolved.exit,
        advice="Spell the name as its owner does, and ask the name servers of resolv.conf for it one by one.",
    )


def _answer_words(lookup: Lookup) -> str:
    if lookup.answer is None:
        return f"did not answer ({lookup.type})"
    if lookup.cut:
        return f"answered that its answer is too long for UDP ({lookup.type})"
    if lookup.code == "NOERROR":
        return f"answered without an address ({lookup.type})"
    return f"answered {lookup.code} ({lookup.type})"


def _pool(said: Sequence[Said], connections: Sequence[Connection], events: ProgramEvents) -> list[Finding]:
    """What the connections of the pool were doing when the program gave up waiting for one."""
    moment = said[0]
    own = _open_at(moment, connections)
    if not own or moment.untimed:
        return []
    busy = [(c, e) for c in own for e in c.exchanges[-1:] if _busy(e, moment.time_ns)]
    idle = len(own) - len({c.id for c, _ in busy})
    began = [moment.time_ns - e.request.time_ns for _, e in busy if e.request is not None]
    were_open = plurals.count(len(own), "connection", "was")
    claim = [f"A request waited for a free connection and was not sent: {were_open} open then"]
    claim.append(f", {len(busy)} with an exchange under way" if busy else ", none with an exchange under way")
    claim.append(f", the oldest for {wording.span(max(began))}." if began else ".")
    if idle:
        claim.append(
            f" {idle} had nothing under way on the wire: the program had not given them back, as where a "
            "response is not read to its end or not closed."
        )
    evidence = [
        Evidence(e.request.packet, f"connection {c.id}: this request is still under way")
        for c, e in busy[:_MOST_CITED]
        if e.request is not None
    ]
    evidence += [Evidence(c.first_packet, f"connection {c.id} begins") for c in own[:_MOST_CITED] if not busy]
    return [
        finding_of_the_program(
            "pool-wait",
            "".join(claim),
            evidence,
            list(said),
            events,
            runner_up="a server that does not accept: refuted, nothing was sent for this request",
            connections=own,
        )
    ]


def _open_at(said: Said, connections: Sequence[Connection]) -> list[Connection]:
    """The process's connections that had begun and not ended."""
    return [
        c
        for c in connections
        if c.program is not None
        and c.program.pid == said.pid
        and c.established
        and c.opened_ns <= said.time_ns
        and (not c.closes or c.closes[0].time_ns > said.time_ns - _LEAVING_NS)
    ]


def _busy(exchange: Exchange, at_ns: int) -> bool:
    request, response = exchange.request, exchange.response
    if request is None or request.time_ns > at_ns:
        return False
    return response is None or not response.complete or response.last_ns > at_ns - _GATHERED_NS


def _resources(
    said: Sequence[Said], connections: Sequence[Connection], events: ProgramEvents
) -> list[Finding]:
    """What ran out, from the program's words or from the kernel's answers to its calls."""
    errors = [error for error in events.errors if error.error in _SHORTAGES]
    if not said and not errors:
        return []
    if errors:
        name = errno.errorcode.get(errors[0].error, str(errors[0].error))
        what = f"{errors[0].call}() failed with {name}, {plurals.times(len(errors))}."
        at, pid = errors[0].time_ns, errors[0].pid
    else:
        what = f"{said[0].label}."
        at, pid = said[0].time_ns, said[0].pid
    own = [c for c in connections if c.program is not None and c.program.pid == pid and c.opened_ns <= at]
    still = [c for c in own if not c.closes or c.closes[0].time_ns > at]
    evidence = [Evidence(c.first_packet, f"connection {c.id} begins") for c in still[:_MOST_CITED]]
    return [
        finding_of_the_program(
            "local-resource",
            f"The client's host ran out of something: {what} "
            f"{plurals.count(len(still), 'connection', 'was')} open at that time, of {len(own)} that it had "
            "made.",
            evidence,
            list(said),
            events,
            runner_up="a server that refuses: refuted, no packet was sent for what failed",
            connections=still,
        )
    ]
