"""Rule ecn-or-dscp-blackhole: SYNs that offer ECN get no reply, and those without are answered.

Linux leaves the offer out when it sends a SYN again (RFC 3168 section 6.1.1.1; net.ipv4.tcp_ecn_fallback), so
that the connection is established a second late. One lost SYN looks just like that. What tells them apart is
all the traffic of the address: whether any SYN with the offer was ever answered, and any without it lost.
A device that drops the first SYN of each connection to see whether its sender comes again is the other
look-alike: a first SYN without the offer that was answered refutes it.

Of marks of the other kind, DSCP (RFC 2474), nothing is kept, and nothing concluded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose import wording
from plainwire.diagnose.evidence import opening
from plainwire.diagnose.evidence.ends import addresses
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.traffic.syn_ecn import EcnLoss, loss_on, sorted_syns
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.syn_ecn import Marks
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import Connection


_NEXT_TRY_NS = 60_000_000_000
"""A connection without ECN within a minute is the next try."""

SEVERAL_EPISODES = 3
"""Losses at different times, from which on chance alone is unlikely: at 1 % loss three in a row are one in
a million."""

_MOST_CITED = 3


def ecn_or_dscp_blackhole(connection: Connection, traffic: Traffic) -> Verdict | None:
    """A verdict where SYNs that offer ECN were lost, and what was sent without it was answered."""
    if connection.transport != "tcp" or not any(syn.marked for syn in connection.syns):
        return None
    case = loss_on(connection) or _next_connection(connection, traffic)
    marks = traffic.marks.get(addresses(connection))
    if case is None or marks is None or marks.marked_answered or marks.bare_lost:
        return None
    return _verdict(case, marks)


def _next_connection(connection: Connection, traffic: Traffic) -> EcnLoss | None:
    """SYNs that all offer ECN and got no reply, and a later connection without that was accepted."""
    begin = opening.of(connection)
    if begin is None or begin.syn_acks or begin.server or begin.resets or connection.icmp_errors:
        return None
    marked, bare, _ = sorted_syns(connection)
    marks = traffic.marks.get(addresses(connection))
    if bare or len(marked) < 2 or marks is None:
        return None
    for other in marks.bare:
        if other.server != connection.server or not 0 < other.opened_ns - marked[0].time_ns <= _NEXT_TRY_NS:
            continue
        _, (first, *_), offer = sorted_syns(other)
        if offer is not None:
            return EcnLoss(connection, marked, first, offer, other)
    return None


def _verdict(case: EcnLoss, marks: Marks) -> Verdict:
    count = len(marks.cases) + len(marks.unanswered)
    several = marks.episodes >= SEVERAL_EPISODES and marks.bare
    many = len(case.marked)
    late = wording.span(case.offer.time_ns - case.marked[0].time_ns)
    if case.other is None:
        then = f"The next one, without the offer, was answered after {_after(case)}: {late} after the first."
    else:
        then = f"Connection {case.other.id} to the same address, without the offer, was accepted."
    return Verdict(
        code="ecn-or-dscp-blackhole",
        connection=case.connection,
        exchanges=(),
        fault="path",
        grounds=(Ground.HABIT,) if several else (Ground.ONCE,),
        facts=f"The SYN offered ECN and got no reply{f', {plurals.times(many)}' if many > 1 else ''}. {then} "
        f"No SYN that offers ECN was answered by this address ({plurals.count(count, 'connection')}).",
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


def _after(case: EcnLoss) -> str:
    return wording.span(case.offer.time_ns - case.bare.time_ns)


def _runner_up(marks: Marks) -> str:
    """What else drops first SYNs, and what speaks against it."""
    if not marks.bare:
        return (
            "a loss at random, or a device that drops the first SYN of each connection: not excluded, no "
            "connection here began with a SYN without the offer"
        )
    if marks.episodes < SEVERAL_EPISODES:
        return "a loss at random: not excluded, it happened too seldom"
    return (
        "a loss at random, or of each first SYN: refuted, the first SYN of "
        f"{plurals.count(len(marks.bare), 'connection')} without the offer was answered"
    )
