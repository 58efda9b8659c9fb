"""Rule syn-timeout: nothing answered the attempt to connect."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence import opening
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

from .ipv6_broken_fallback import fallback_of, ipv6_broken_fallback
from .neighbours import MOST_CITED, accepted_later, again_words
from .port_exhaustion import crowd_before, port_exhaustion

if TYPE_CHECKING:
    from plainwire.diagnose.evidence.opening import Opening
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import Connection


_GIVEN_UP_NS = 3_000_000_000
"""A single SYN without an answer says something only when this much was captured after it: it is sent again
after one second (RFC 6298 section 2)."""


def syn_timeout(connection: Connection, traffic: Traffic) -> Verdict | None:
    """A verdict where nothing at all answered the SYN; also its better explanations, where one fits."""
    begin = opening.of(connection)
    if begin is None or begin.syn_acks or begin.server or begin.resets or connection.established:
        return None
    watched = traffic.ended_ns - begin.syns[0].time_ns
    if connection.icmp_errors or (len(begin.syns) == 1 and watched < _GIVEN_UP_NS):
        return None
    other = fallback_of(connection, begin, traffic)
    if other is not None and (":" in connection.server.address) != (":" in other.server.address):
        if ":" in connection.server.address:
            return ipv6_broken_fallback(connection, begin, other)
        return None
    crowd = crowd_before(connection, begin, traffic)
    return (
        _silent(connection, begin, traffic) if crowd is None else port_exhaustion(connection, begin, *crowd)
    )


def _silent(connection: Connection, begin: Opening, traffic: Traffic) -> Verdict:
    first, last = begin.syns[0], begin.syns[-1]
    twice = len(begin.syns) > 1
    later = accepted_later(connection, traffic)
    pauses = ", ".join(wording.span(b.time_ns - a.time_ns) for a, b in pairwise(begin.syns[:5]))
    sent = f"{len(begin.syns)} times in {wording.span(last.time_ns - first.time_ns)} (pauses {pauses})"
    return Verdict(
        code="syn-timeout",
        connection=connection,
        exchanges=(),
        fault="unknown",
        certainty="likely" if twice else "possible",
        facts=f"The SYN was sent {sent if twice else 'once'}, and nothing came back: no SYN-ACK, no RST, no "
        f"ICMP error.{again_words(connection, later)}",
        evidence=tuple(
            Evidence(syn.packet, f"SYN from the client, sending {count}, without any answer")
            for count, syn in enumerate(begin.syns[:MOST_CITED], 1)
        ),
        runner_up="connection-refused: refuted, there is no RST and no ICMP error; accept-queue-overflow: "
        "refuted, there is no SYN-ACK",
        retry_safe=True,
        time_ns=connection.opened_ns,
    )
