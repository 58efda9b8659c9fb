"""Rule ecn-or-dscp-blackhole: SYNs that offer ECN meet with nothing, and those without are answered.

Linux leaves the offer out when it sends a SYN again (RFC 3168 section 6.1.1.1; net.ipv4.tcp_ecn_fallback), so
that the connection comes about a second late. One lost SYN looks just like that. What tells them apart is
all the traffic of the address: whether any SYN with the offer was ever answered, and any without it lost.
A device that drops the first SYN of each connection to see whether its sender comes again is the other
look-alike: a first SYN without the offer that was answered refutes it.

Of marks of the other kind, DSCP (RFC 2474), nothing is kept, and nothing concluded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from plainwire.model import Evidence, Side, Syn

from . import beginning, primitives, words
from .verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from plainwire.model import Certainty, Connection

    from .world import World

_LATE_NS = 500_000_000
_SOON_NS = 60_000_000_000
_SEVERAL = 3
_MOST_KEPT = 1000
_MOST_CITED = 3


class Case(Struct, frozen=True):
    """SYNs that offered ECN and met with nothing, and the one without that was answered."""

    connection: Connection
    marked: list[Syn]
    bare: Syn
    offer: Syn
    other: Connection | None = None
    """The connection of ``bare``, where it is a later one."""


class Marks(Struct):
    """What became of the SYNs from one address to another; of each list the first thousand."""

    cases: list[Case] = field(default_factory=list)  # by time
    unanswered: list[Connection] = field(default_factory=list)  # all their SYNs offer ECN
    bare: list[Connection] = field(default_factory=list)  # the first SYN, without the offer, was answered
    marked_answered: bool = False
    bare_lost: bool = False

    @property
    def episodes(self) -> int:
        """Cases that did not happen at the same time: one outage may cost many SYNs."""
        count, until = 0, 0
        for case in self.cases:
            if case.marked[0].time_ns > until:
                count += 1
            until = max(until, case.offer.time_ns)
        return count


def tally(connections: Iterable[Connection]) -> dict[tuple[str, str], Marks]:
    """By the addresses of client and server. ``connections``: in order of their first packets."""
    found: dict[tuple[str, str], Marks] = {}
    for connection in connections:
        if connection.syns and not connection.roles_guessed:
            _count(connection, found.setdefault(primitives.addresses(connection), Marks()))
    return found


def _count(connection: Connection, marks: Marks) -> None:
    marked, bare, offer = _sorted(connection)
    if offer is None:
        _count_unanswered(connection, marks, marked, bare)
    elif not marked:
        if len(bare) == 1:
            marks.bare += [connection][: _MOST_KEPT - len(marks.bare)]
        marks.bare_lost |= len(bare) > 1
    else:
        case = _same_connection(connection)
        if case is not None:
            marks.cases += [case][: _MOST_KEPT - len(marks.cases)]
        elif not bare or offer.marked or _answers(offer, marked) or len(bare) == 1:
            marks.marked_answered = True
        else:
            marks.bare_lost = True


def _count_unanswered(connection: Connection, marks: Marks, marked: list[Syn], bare: list[Syn]) -> None:
    """Of connections without SYN-ACK. One SYN without an answer may only be the last of the capture."""
    if any(close.side is Side.SERVER for close in connection.closes):
        marks.marked_answered |= bool(marked) and not bare
    elif len(bare) > 1:
        marks.bare_lost = True
    elif len(marked) > 1 and not connection.icmp_errors:
        marks.unanswered += [connection][: _MOST_KEPT - len(marks.unanswered)]


def _sorted(connection: Connection) -> tuple[list[Syn], list[Syn], Syn | None]:
    """The client's SYNs with the offer, those without, and the first SYN-ACK."""
    syns, offers = primitives.syns_of(connection)
    return [s for s in syns if s.marked], [s for s in syns if not s.marked], next(iter(offers), None)


def _same_connection(connection: Connection) -> Case | None:
    """SYNs with the offer, one without, and a SYN-ACK that answers this one and came at once."""
    marked, bare, offer = _sorted(connection)
    if not marked or len(bare) != 1 or offer is None or offer.marked or _answers(offer, marked):
        return None
    waited = bare[0].time_ns - marked[-1].time_ns
    after, rtt = offer.time_ns - bare[0].time_ns, primitives.shortest_rtt(connection)
    prompt = 0 <= after < waited and (rtt is None or after >= primitives.SLOWEST_PHYSICS * rtt)
    late = offer.time_ns - marked[0].time_ns >= _LATE_NS
    return Case(connection, marked, bare[0], offer) if prompt and late else None


def _answers(offer: Syn, syns: list[Syn]) -> bool:
    """Whether the SYN-ACK returns the time stamp of one of these (RFC 7323 section 3.2)."""
    echo = None if offer.options is None else offer.options.echo
    return bool(echo) and any(syn.options is not None and syn.options.stamp == echo for syn in syns)


def ecn_blackhole(connection: Connection, world: World) -> Verdict | None:
    """A verdict where SYNs that offer ECN were lost, and what was sent without it was answered."""
    if connection.transport != "tcp" or not any(syn.marked for syn in connection.syns):
        return None
    case = _same_connection(connection) or _next_connection(connection, world)
    marks = world.marks.get(primitives.addresses(connection))
    if case is None or marks is None or marks.marked_answered or marks.bare_lost:
        return None
    return _verdict(case, marks)


def _next_connection(connection: Connection, world: World) -> Case | None:
    """SYNs that all offer ECN and met with nothing, and a later connection without that was accepted."""
    begin = beginning.of(connection)
    if begin is None or begin.offers or begin.server or begin.resets or connection.icmp_errors:
        return None
    marked, bare, _ = _sorted(connection)
    marks = world.marks.get(primitives.addresses(connection))
    if bare or len(marked) < 2 or marks is None:
        return None
    for other in marks.bare:
        if other.server != connection.server or not 0 < other.opened_ns - marked[0].time_ns <= _SOON_NS:
            continue
        _, (first, *_), offer = _sorted(other)
        if offer is not None:
            return Case(connection, marked, first, offer, other)
    return None


def _verdict(case: Case, marks: Marks) -> Verdict:
    count = len(marks.cases) + len(marks.unanswered)
    sure: Certainty = "likely" if marks.episodes >= _SEVERAL and marks.bare else "possible"
    many = len(case.marked)
    late = words.span(case.offer.time_ns - case.marked[0].time_ns)
    if case.other is None:
        then = f"The next one, without the offer, was answered after {_after(case)}: {late} after the first."
    else:
        then = f"Connection {case.other.id} to the same address, without the offer, was accepted."
    return Verdict(
        code="ecn-or-dscp-blackhole",
        connection=case.connection,
        exchanges=(),
        fault="path",
        certainty=sure,
        facts=f"The SYN offered ECN and met with nothing{f', {many} times' if many > 1 else ''}. {then} "
        f"No SYN that offers ECN was answered by this address ({count} "
        f"connection{'' if count == 1 else 's'}).",
        evidence=(
            *(
                Evidence(syn.packet, "SYN with ECE and CWR, not answered")
                for syn in case.marked[:_MOST_CITED]
            ),
            Evidence(case.bare.packet, "SYN without them"),
            Evidence(case.offer.packet, f"SYN, ACK in answer to it, {_after(case)} later"),
        ),
        runner_up=_runner_up(marks),
        retry_safe=True,
        time_ns=case.connection.opened_ns,
        failure=False if case.other is None else None,
    )


def _after(case: Case) -> str:
    return words.span(case.offer.time_ns - case.bare.time_ns)


def _runner_up(marks: Marks) -> str:
    """What else drops first SYNs, and what speaks against it."""
    if not marks.bare:
        return (
            "a loss at random, or a device that drops the first SYN of each connection: not excluded, no "
            "connection here began with a SYN without the offer"
        )
    if marks.episodes < _SEVERAL:
        return "a loss at random: not excluded, it happened too seldom"
    return (
        f"a loss at random, or of each first SYN: refuted, the first SYN of {len(marks.bare)} "
        f"connection{'' if len(marks.bare) == 1 else 's'} without the offer was answered"
    )
