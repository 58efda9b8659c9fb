"""Rule syn-paws-drop: SYNs whose timestamp lags behind that of an accepted one, and that met with nothing.

Linux up to 4.11 with tcp_tw_recycle took all clients behind one address for one host, whose clock (TSval, RFC
7323 section 3) cannot go back: for 60 s after a connection it dropped SYNs with a lower one. To see that, the
capture must hold several clients under one address: taken at the server, or outside of the NAT.

A lower TSval alone says little. Some systems draw a new offset for each connection (RFC 7323 section 7
recommends it), and there every second SYN is lower than the one before. So there must be a clock first: three
accepted connections whose TSvals tick together, which the lagging ones do not. And nothing may contradict:
no accepted SYN that lags, and no lost one that does not.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct, field

from plainwire.model import Evidence, Side

from . import primitives, words
from .verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from plainwire.model import Certainty, Connection, Syn

    from .world import World

_REMEMBERED_NS = 60_000_000_000
"""TCP_PAWS_MSL of Linux (include/net/tcp.h)."""

_SLACK = 1
"""TCP_PAWS_WINDOW: a TSval lower by so much is no lower one."""

_RATES = (1000, 250, 300, 100, 10, 1)
"""Ticks a second (RFC 7323 section 5.4: 1 ms to 1 s); the kernel's HZ in old ones."""

_TOLERANCE = 0.05
"""Seconds by which SYNs of one clock may be out of step, between its reading and the capture."""

_FEWEST_ON_CLOCK = 3
_FEWEST_SENDINGS = 2
_MOST_RECENT = 64
_COMPARED = 8
"""Each accepted SYN is held against so many before it: where one lags, others will."""

_MOST_KEPT = 1000
_MOST_CITED = 3
_HALF, _MASK = 1 << 31, (1 << 32) - 1


class Stamped(NamedTuple):
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
            _sort(connection, found.setdefault(primitives.addresses(connection), Stamps()))
    for stamps in found.values():
        if stamps.lost and len(stamps.accepted) >= _FEWEST_ON_CLOCK:
            _compare(stamps)
    return found


def _sort(connection: Connection, stamps: Stamps) -> None:
    mine, offers = primitives.syns_of(connection)
    answer = next(iter(offers), None)
    stamped = [s for s in (_stamped(connection, syn) for syn in mine) if s is not None]
    if not stamped or len(stamped) < len(mine):
        return
    if answer is not None:
        stamps.accepted += [s for s in stamped if s.time_ns <= answer.time_ns][-1:]
    elif _unanswered(connection) and len(stamped) >= _FEWEST_SENDINGS and len(stamps.lost) < _MOST_KEPT:
        stamps.lost.append(stamped)


def _stamped(connection: Connection, syn: Syn) -> Stamped | None:
    if syn.options is None or syn.options.stamp is None:
        return None
    return Stamped(syn.time_ns, syn.options.stamp, syn.packet, connection)


def _unanswered(connection: Connection) -> bool:
    answered = any(close.side is Side.SERVER for close in connection.closes)
    return not (answered or connection.established or connection.icmp_errors)


def _compare(stamps: Stamps) -> None:
    stamps.accepted.sort(key=_time)
    stamps.refuted = any(_behind(one, _recent(stamps, one)[-_COMPARED:]) for one in stamps.accepted)
    for sent in stamps.lost:
        recent = [_recent(stamps, one) for one in sent]
        bars = [_behind(one, before) for one, before in zip(sent, recent, strict=True)]
        first = bars[0]
        if first is not None and None not in bars:
            stamps.lagging[_id(sent)] = first
        elif any(recent):
            stamps.refuted = True


def _id(sent: list[Stamped]) -> int:
    """The id of the connection of these SYNs."""
    return sent[0].connection.id


def _recent(stamps: Stamps, one: Stamped) -> list[Stamped]:
    """What had been accepted in the minute before it, the newest."""
    end = bisect_left(stamps.accepted, one.time_ns, key=_time)
    begin = bisect_left(stamps.accepted, one.time_ns - _REMEMBERED_NS, key=_time)
    return stamps.accepted[max(begin, end - _MOST_RECENT) : end]


def _behind(one: Stamped, recent: list[Stamped]) -> Stamped | None:
    """The newest of those that it lags behind, by another clock than theirs."""
    for other in reversed(recent):
        ahead = _signed(other.stamp - one.stamp)
        if ahead > _SLACK and not any(_in_step(one, other, rate) for rate in _RATES):
            return other
    return None


def _in_step(one: Stamped, other: Stamped, rate: int) -> bool:
    """Whether the TSvals of both are of one clock with so many ticks a second."""
    ticks = (other.time_ns - one.time_ns) * rate / 1e9
    return abs(_signed(other.stamp - one.stamp) - ticks) <= max(1.0, _TOLERANCE * rate)


def _signed(difference: int) -> int:
    """The difference of two TSvals, which wrap around (RFC 7323 section 5.2)."""
    return ((difference + _HALF) & _MASK) - _HALF


def _time(one: Stamped) -> int:
    return one.time_ns


def syn_paws_drop(connection: Connection, world: World) -> Verdict | None:
    """A verdict where all SYNs of a connection lagged behind the clock of accepted ones."""
    stamps = world.stamps.get(primitives.addresses(connection))
    bar = None if stamps is None else stamps.lagging.get(connection.id)
    if stamps is None or bar is None or stamps.refuted:
        return None
    sent = next(sent for sent in stamps.lost if _id(sent) == connection.id)
    recent = _recent(stamps, sent[0])
    steady = max(sum(_in_step(one, bar, rate) for one in recent) for rate in _RATES)
    if steady < _FEWEST_ON_CLOCK:
        return None
    return _verdict(connection, sent, bar, stamps)


def _verdict(connection: Connection, sent: list[Stamped], bar: Stamped, stamps: Stamps) -> Verdict:
    begin = bisect_right(stamps.accepted, sent[0].time_ns, key=_time)
    until = sent[-1].time_ns + _REMEMBERED_NS
    alive = next((one for one in stamps.accepted[begin : begin + 1] if one.time_ns <= until), None)
    certainty: Certainty = "likely" if alive is not None and len(stamps.lagging) > 1 else "possible"
    lag, since = _signed(bar.stamp - sent[0].stamp), words.span(sent[0].time_ns - bar.time_ns)
    return Verdict(
        code="syn-paws-drop",
        connection=connection,
        exchanges=(),
        fault="server",
        certainty=certainty,
        facts=f"The SYN was sent {len(sent)} times and met with nothing. Its timestamp is {lag} ticks lower "
        f"than that of a SYN from the same address that was accepted {since} before, by another clock. So it "
        f"is with {len(stamps.lagging)} of {len(stamps.lost)} connections that met with nothing, and with "
        f"none of {len(stamps.accepted)} that were accepted.",
        evidence=(
            Evidence(bar.packet, f"SYN of connection {bar.connection.id}, TSval {bar.stamp}: accepted"),
            *(
                Evidence(one.packet, f"SYN, sending {number}, TSval {one.stamp}: no answer")
                for number, one in enumerate(sent[:_MOST_CITED], 1)
            ),
            *(
                (Evidence(alive.packet, f"SYN of connection {alive.connection.id}: accepted"),)
                if alive is not None
                else ()
            ),
        ),
        runner_up="an outage: refuted, SYNs with a higher timestamp were accepted meanwhile"
        if alive is not None
        else "an outage: not excluded, nothing was accepted from this address afterwards",
        retry_safe=True,
        time_ns=connection.opened_ns,
    )
