"""Rule syn-timeout: the attempt to connect timed out, mostly since nothing answered it."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose import wording
from plainwire.diagnose.evidence import opening
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence, Quoted, Side

from .accept_queue_overflow import queue_full
from .ipv6_broken_fallback import fallback_of, ipv6_broken_fallback
from .neighbours import (
    DNS_PORT,
    MOST_CITED,
    NEIGHBOURS,
    TCP_OF_CLIENT,
    TCP_OF_SERVER,
    accepted_later,
    again_words,
    name_server_words,
    opened,
    still_open,
)
from .port_exhaustion import crowd_before, port_exhaustion

if TYPE_CHECKING:
    from plainwire.diagnose.evidence.opening import Opening
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import Connection


_GIVEN_UP_NS = 3_000_000_000
"""A single SYN without an answer says something only when this much was captured after it: it is sent again
after one second (RFC 6298 section 2)."""


_FEWEST_OPEN = 2
"""Connections: one that is open shows that the address is up, two that others are accepted as well."""

_FALLBACK_NS = 60_000_000_000
"""A program that tries the next address of a name has waited for its connect timeout by then."""

_SENT_AGAIN_NS = 500_000_000
"""Sooner than this nobody sends a SYN again: two at one moment are one that was captured twice, or a scan."""


def syn_timeout(connection: Connection, traffic: Traffic) -> Verdict | None:
    """A verdict where nothing at all answered the SYN; also its better explanations, where one fits."""
    begin = opening.of(connection)
    if begin is None or begin.syn_acks or begin.server or begin.resets or connection.established:
        return None
    watched = traffic.ended_ns - begin.syns[0].time_ns
    again = begin.syns[-1].time_ns - begin.syns[0].time_ns >= _SENT_AGAIN_NS
    if connection.icmp_errors or traffic.one_sided or (not again and watched < _GIVEN_UP_NS):
        return None
    other = fallback_of(connection, begin, traffic)
    if other is not None and (":" in connection.server.address) != (":" in other.server.address):
        if ":" in connection.server.address:
            return ipv6_broken_fallback(connection, begin, other)
        return None
    full = queue_full(connection, begin, traffic)
    if full is not None:
        return full
    crowd = crowd_before(connection, begin, traffic)
    return (
        _silent(connection, begin, traffic) if crowd is None else port_exhaustion(connection, begin, *crowd)
    )


def syn_ack_not_taken(connection: Connection, traffic: Traffic) -> Verdict | None:
    """A verdict where the SYN-ACK is in the capture, and the client asked again as if it had not come.

    A capture is taken ahead of the host's own packet filter and its check of the way back (rp_filter).
    """
    begin = opening.of(connection)
    if begin is None or connection.established or traffic.one_sided or not begin.syn_acks:
        return None
    if begin.client or begin.server or begin.resets or len({offer.seq for offer in begin.syn_acks}) > 1:
        return None
    first = begin.syn_acks[0]
    again = [syn for syn in begin.syns if syn.time_ns - first.time_ns >= _SENT_AGAIN_NS]
    if not again or len({syn.seq for syn in begin.syns}) > 1:
        return None
    offers = plurals.times(len(begin.syn_acks))
    return Verdict(
        code="syn-timeout",
        connection=connection,
        exchanges=(),
        fault="unknown",
        grounds=(Ground.NUMBERS, Ground.INFERENCE),
        facts=f"The server answered the SYN ({offers}), and the client's TCP did not take the answer: it "
        f"sent the same SYN again {wording.span(again[0].time_ns - first.time_ns)} later, and never "
        "acknowledged it. Behind the place of capture something drops what comes back: where that is the "
        "client's host, its packet filter, or its check of the way back (rp_filter), which drops what comes "
        "by another interface than it would send to.",
        evidence=(
            Evidence(begin.syns[0].packet, "SYN from the client"),
            Evidence(first.packet, "SYN, ACK from the server"),
            *(Evidence(syn.packet, "the same SYN again") for syn in again[:MOST_CITED]),
        ),
        runner_up="a server that is down: refuted, its SYN-ACK is in the capture",
        retry_safe=True,
        time_ns=connection.opened_ns,
        advice_client="On the client's host: nft list ruleset, ip route get ADDRESS, sysctl "
        "net.ipv4.conf.all.rp_filter, nstat -az TcpExtIPReversePathFilter.",
        advice_server="Nothing to fix on the server, as far as this shows: it answered.",
    )


def _silent(connection: Connection, begin: Opening, traffic: Traffic) -> Verdict:
    first, last = begin.syns[0], begin.syns[-1]
    twice = len(begin.syns) > 1
    later = accepted_later(connection, traffic)
    beside, quotes = _other_address(connection, traffic)
    pauses = ", ".join(wording.span(b.time_ns - a.time_ns) for a, b in pairwise(begin.syns[:5]))
    sent = f"{len(begin.syns)} times in {wording.span(last.time_ns - first.time_ns)} (pauses {pauses})"
    return Verdict(
        code="syn-timeout",
        connection=connection,
        exchanges=(),
        fault="unknown",
        grounds=(Ground.SILENCE,) if twice else (Ground.GUESS,),
        facts=f"The SYN was sent {sent if twice else 'once'}, and nothing came back: no SYN-ACK, no RST, no "
        f"ICMP error.{again_words(connection, later)}{_open_words(connection, traffic)}{beside}"
        f"{name_server_words(connection, traffic)}",
        quotes=quotes,
        evidence=tuple(
            Evidence(syn.packet, f"SYN from the client, transmission {count}, without any answer")
            for count, syn in enumerate(begin.syns[:MOST_CITED], 1)
        ),
        runner_up="connection-refused: refuted, there is no RST and no ICMP error",
        retry_safe=True,
        time_ns=connection.opened_ns,
        advice_client=TCP_OF_CLIENT if connection.server.port == DNS_PORT else "",
        advice_server=TCP_OF_SERVER if connection.server.port == DNS_PORT else "",
    )


def _open_words(connection: Connection, traffic: Traffic) -> str:
    """That earlier connections to the address are still open and served, which a limit would explain."""
    still = [c for c in still_open(connection, traffic) if c.sizes[Side.SERVER]]
    if len(still) < _FEWEST_OPEN:
        return ""
    ago = wording.span(connection.opened_ns - still[-1].opened_ns)
    return (
        f" The address is up: {len(still)} other connections to it were accepted and answered, the last "
        f"{ago} before, and are still open. A limit on connections for each client, in a firewall, a NAT or "
        "the server, would look just so."
    )


def _other_address(connection: Connection, traffic: Traffic) -> tuple[str, tuple[Quoted, ...]]:
    """That the name has other addresses, one of which accepted the connection that followed."""
    lookups = traffic.name_lookups
    name = lookups.names.get(connection.server.address)
    known = lookups.addresses.get(name, set()) if name is not None else set()
    if name is None or len(known) < 2:
        return "", ()
    start = bisect_right(lookups.connections, connection.opened_ns, key=opened)
    other = next(
        (
            c
            for c in lookups.connections[start : start + NEIGHBOURS]
            if c.established
            and c.server.address in known
            and c.server.address != connection.server.address
            and c.opened_ns - connection.opened_ns <= _FALLBACK_NS
        ),
        None,
    )
    if other is None:
        return "", ()
    after = wording.span(other.opened_ns - connection.opened_ns)
    words = (
        f" {connection.server.address} is one of {len(known)} addresses of the name that was looked up; the "
        f"other address {other.server.address} accepted connection {other.id}, {after} later."
    )
    return words, (Quoted(connection.first_packet, "the name that was looked up", name),)
