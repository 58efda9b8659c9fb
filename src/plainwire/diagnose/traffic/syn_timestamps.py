"""TSvals of SYNs: which of those that got no reply lag behind accepted ones (RFC 7323 section 3).

A lower TSval alone says little. Some systems draw a new offset for each connection (RFC 7323 section 7
recommends it), and there every second SYN is lower than the one before. So there must be a clock first: three
accepted connections whose TSvals tick together, which the lagging ones do not. And nothing may contradict:
no accepted SYN that lags, and no lost one that does not.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from msgspec import Struct, field

from plainwire.diagnose.evidence.ends import addresses, syns_of
from plainwire.model import Side

if TYPE_CHECKING:
    from collections.abc import Iterable

    from plainwire.model import Connection, Syn


REMEMBERED_NS = 60_000_000_000
"""TCP_PAWS_MSL of Linux (include/net/tcp.h)."""

_SLACK = 1
"""TCP_PAWS_WINDOW: a TSval lower by so much is no lower one."""

RATES = (1000, 250, 300, 100, 10, 1)
"""Ticks a second (RFC 7323 section 5.4: 1 ms to 1 s); the kernel's HZ in old ones."""

_TOLERANCE = 0.05
"""Seconds by which SYNs of one clock may be out of step, between its reading and the capture."""

FEWEST_ON_CLOCK = 3
"""Accepted SYNs whose TSvals tick together: two lie on some clock always."""

_FEWEST_SYNS = 2
"""One SYN without an answer may be lost, or the last of the capture."""

_MOST_RECENT = 64

_COMPARED = 8
"""Each accepted SYN is held against so many before it: where one lags, others will."""

_MOST_KEPT = 1000

_HALF, _MASK = 1 << 31, (1 << 32) - 1
"""Sequence arithmetic of 32 bits (RFC 7323 section 5.2)."""


class Stamped(Struct, frozen=True):
    """A SYN with its TSval."""

    time_ns: int
    stamp: int
    packet: int
    connection: Connection


class Stamps(Struct):
    """The SYNs from one address to another, by time, and what speaks against a server that compares them."""

    accepted: list[Stamped] = field(default_factory=list)
    lost: list[list[Stamped]] = field(default_factory=list)  # of connections without any answer; a thousand
    lagging: dict[int, Stamped] = field(default_factory=dict)
    """Of lost connections, by their ids: the accepted SYN that theirs lag behind."""
    refuted: bool = False


def stamps_of(connections: Iterable[Connection]) -> dict[tuple[str, str], Stamps]:
    """By the addresses of client and server. ``connections``: in order of their first packets."""
    found: dict[tuple[str, str], Stamps] = {}
    for connection in connections:
        if connection.syns and not connection.roles_guessed:
            _sort(connection, found.setdefault(addresses(connection), Stamps()))
    for stamps in found.values():
        if stamps.lost and len(stamps.accepted) >= FEWEST_ON_CLOCK:
            _compare(stamps)
    return found


def _sort(connection: Connection, stamps: Stamps) -> None:
    mine, offers = syns_of(connection)
    answer = next(iter(offers), None)
    stamped = [s for s in (_stamped(connection, syn) for syn in mine) if s is not None]
    if not stamped or len(stamped) < len(mine):
        return
    if answer is not None:
        stamps.accepted += [s for s in stamped if s.time_ns <= answer.time_ns][-1:]
    elif _unanswered(connection) and len(stamped) >= _FEWEST_SYNS and len(stamps.lost) < _MOST_KEPT:
        stamps.lost.append(stamped)


def _stamped(connection: Connection, syn: Syn) -> Stamped | None:
    if syn.options is None or syn.options.stamp is None:
        return None
    return Stamped(syn.time_ns, syn.options.stamp, syn.packet, connection)


def _unanswered(connection: Connection) -> bool:
    answered = any(close.side is Side.SERVER for close in connection.closes)
    return not (answered or connection.established or connection.icmp_errors)


def _compare(stamps: Stamps) -> None:
    stamps.accepted.sort(key=by_time)
    stamps.refuted = any(_behind(one, accepted_before(stamps, one)[-_COMPARED:]) for one in stamps.accepted)
    for sent in stamps.lost:
        recent = [accepted_before(stamps, one) for one in sent]
        bars = [_behind(one, before) for one, before in zip(sent, recent, strict=True)]
        first = bars[0]
        if first is not None and None not in bars:
            stamps.lagging[connection_id(sent)] = first
        elif any(recent):
            stamps.refuted = True


def connection_id(sent: list[Stamped]) -> int:
    """The id of the connection of these SYNs."""
    return sent[0].connection.id


def accepted_before(stamps: Stamps, one: Stamped) -> list[Stamped]:
    """What had been accepted in the minute before it, the newest."""
    end = bisect_left(stamps.accepted, one.time_ns, key=by_time)
    begin = bisect_left(stamps.accepted, one.time_ns - REMEMBERED_NS, key=by_time)
    return stamps.accepted[max(begin, end - _MOST_RECENT) : end]


def _behind(one: Stamped, recent: list[Stamped]) -> Stamped | None:
    """The newest of those that it lags behind, by another clock than theirs."""
    for other in reversed(recent):
        ahead = signed(other.stamp - one.stamp)
        if ahead > _SLACK and not any(in_step(one, other, rate) for rate in RATES):
            return other
    return None


def in_step(one: Stamped, other: Stamped, rate: int) -> bool:
    """Whether the TSvals of both are of one clock with so many ticks a second."""
    ticks = (other.time_ns - one.time_ns) * rate / 1e9
    return abs(signed(other.stamp - one.stamp) - ticks) <= max(1.0, _TOLERANCE * rate)


def signed(difference: int) -> int:
    """The difference of two TSvals, which wrap around (RFC 7323 section 5.2)."""
    return ((difference + _HALF) & _MASK) - _HALF


def by_time(one: Stamped) -> int:
    """A key to search by."""
    return one.time_ns
