"""What became of SYNs that offer ECN, and of those that do not (RFC 3168 section 6.1.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from plainwire.diagnose.evidence.ends import addresses, syns_of
from plainwire.diagnose.evidence.round_trip import SLOWEST_PHYSICS, shortest_rtt
from plainwire.model import Side

if TYPE_CHECKING:
    from collections.abc import Iterable

    from plainwire.model import Connection, Syn


_SYN_AGAIN_NS = 500_000_000
"""A SYN is sent again after a second (RFC 6298 section 2), in some systems sooner."""

_MOST_KEPT = 1000


class EcnLoss(Struct, frozen=True):
    """SYNs that offered ECN and got no reply, and the one without that was answered."""

    connection: Connection
    marked: list[Syn]
    bare: Syn
    offer: Syn
    other: Connection | None = None
    """The connection of ``bare``, where it is a later one."""


class Marks(Struct):
    """What became of the SYNs from one address to another; of each list the first thousand."""

    cases: list[EcnLoss] = field(default_factory=list)  # by time
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
            _count(connection, found.setdefault(addresses(connection), Marks()))
    return found


def _count(connection: Connection, marks: Marks) -> None:
    marked, bare, offer = sorted_syns(connection)
    if offer is None:
        _count_unanswered(connection, marks, marked, bare)
    elif not marked:
        if len(bare) == 1:
            marks.bare += [connection][: _MOST_KEPT - len(marks.bare)]
        marks.bare_lost |= len(bare) > 1
    else:
        case = loss_on(connection)
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


def sorted_syns(connection: Connection) -> tuple[list[Syn], list[Syn], Syn | None]:
    """The client's SYNs with the offer, those without, and the first SYN-ACK."""
    syns, offers = syns_of(connection)
    return [s for s in syns if s.marked], [s for s in syns if not s.marked], next(iter(offers), None)


def loss_on(connection: Connection) -> EcnLoss | None:
    """SYNs with the offer, one without, and a SYN-ACK that answers this one and came at once."""
    marked, bare, offer = sorted_syns(connection)
    if not marked or len(bare) != 1 or offer is None or offer.marked or _answers(offer, marked):
        return None
    waited = bare[0].time_ns - marked[-1].time_ns
    after, rtt = offer.time_ns - bare[0].time_ns, shortest_rtt(connection)
    prompt = 0 <= after < waited and (rtt is None or after >= SLOWEST_PHYSICS * rtt)
    late = offer.time_ns - marked[0].time_ns >= _SYN_AGAIN_NS
    return EcnLoss(connection, marked, bare[0], offer) if prompt and late else None


def _answers(offer: Syn, syns: list[Syn]) -> bool:
    """Whether the SYN-ACK returns the time stamp of one of these (RFC 7323 section 3.2)."""
    echo = None if offer.options is None else offer.options.echo
    return bool(echo) and any(syn.options is not None and syn.options.stamp == echo for syn in syns)
