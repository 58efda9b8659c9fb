"""Rule connection-refused: the attempt to connect was refused."""

from __future__ import annotations

from bisect import bisect_right
from itertools import islice
from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose import wording
from plainwire.diagnose.evidence import icmp_refusals, opening
from plainwire.diagnose.evidence.ends import on_one_host
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import RST, Evidence

from .neighbours import (
    DNS_PORT,
    NEIGHBOURS,
    TCP_OF_CLIENT,
    TCP_OF_SERVER,
    accepted_later,
    again_words,
    name_server_words,
    next_opened,
    opened,
    still_open,
)

if TYPE_CHECKING:
    from plainwire.diagnose.evidence.opening import Opening, Segment
    from plainwire.diagnose.grounds import Grounds
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import Connection, Fault, IcmpError


_BOTH_ADDRESSES_NS = 1_000_000_000
"""Programs try both addresses of localhost within a second (chosen)."""

_FEWER = "Open fewer connections at a time, close or reuse those that are there, and try again later."
_LIMITS = (
    "Look for a limit on connections (nft list ruleset: ct count; the service's own), and whether the "
    "service was just being stopped."
)


def connection_refused(connection: Connection, traffic: Traffic) -> Verdict | None:
    """A verdict where the SYN was answered by a RST, or by an ICMP error (RFC 9293 section 3.5.1)."""
    begin = opening.of(connection)
    if begin is None or begin.syn_acks or connection.established:
        return None
    reset = next((r for r in begin.resets if r.ack == 0), None)
    errors = [error for error in connection.icmp_errors if icmp_refusals.refuses(error)]
    if reset is None and not errors:
        return None
    if _loopback_twin(connection, traffic) or _starting(connection, traffic):
        return None
    if reset is None:
        return _forbidden(connection, begin, errors)
    fault, grounds, why = _who_refused(connection, reset, traffic)
    others = still_open(connection, traffic)
    if fault == "server" and others:
        fault, grounds = "unknown", (Ground.INFERENCE,)
        why = (
            f"{plurals.count(len(others), 'other connection')} to {wording.address(connection)} had been "
            "accepted and not closed by then. A limit on connections (a packet filter's, the service's) "
            "looks so, and a service that accepts no new ones any more: one that is being stopped or "
            "replaced."
        )
    else:
        why = f"nothing accepts connections at {wording.address(connection)}. {why}"
    later = accepted_later(connection, traffic)
    of_dns = connection.server.port == DNS_PORT
    return Verdict(
        code="connection-refused",
        connection=connection,
        exchanges=(),
        fault=fault,
        grounds=grounds,
        facts=f"The SYN was answered by a RST after {wording.span(reset.time_ns - begin.syns[0].time_ns)}: "
        f"{why}{again_words(connection, later)}{name_server_words(connection, traffic)}",
        evidence=(
            Evidence(begin.syns[0].packet, "SYN from the client"),
            Evidence(reset.packet, "RST, ACK in answer to the SYN"),
        ),
        runner_up="syn-timeout: refuted, there was an answer",
        retry_safe=True,
        time_ns=connection.opened_ns,
        failure=False if later is not None else None,
        advice_client=TCP_OF_CLIENT if of_dns else _FEWER if fault == "unknown" else "",
        advice_server=TCP_OF_SERVER if of_dns else _LIMITS if fault == "unknown" else "",
    )


def _forbidden(connection: Connection, begin: Opening, errors: list[IcmpError]) -> Verdict:
    first = errors[0]
    fault, sender = icmp_refusals.refuser(connection, first)
    why = (
        " The code says that a rule of a packet filter forbids it, not that nothing listens there."
        if icmp_refusals.by_rule(first)
        else ""
    )
    return Verdict(
        code="connection-refused",
        connection=connection,
        exchanges=(),
        fault=fault,
        grounds=(Ground.INFERENCE,),
        facts=f"The SYN was answered by an ICMP error (type {first.type}, code {first.code}) from {sender} "
        f"after {wording.span(first.time_ns - begin.syns[0].time_ns)}, and by nothing else.{why}",
        evidence=(
            Evidence(begin.syns[0].packet, "SYN from the client"),
            Evidence(first.packet, f"ICMP error, type {first.type}, code {first.code}, about this SYN"),
        ),
        runner_up="syn-timeout: refuted, there was an answer",
        retry_safe=True,
        time_ns=connection.opened_ns,
    )


def _who_refused(connection: Connection, reset: Segment, traffic: Traffic) -> tuple[Fault, Grounds, str]:
    if on_one_host(connection):
        why = "Both ends are on this host: nothing between them could have refused it."
        return "server", (Ground.FLAG,), why
    for other in islice(traffic.by_server.get(connection.server, ()), NEIGHBOURS):
        usual = _usual_ttl(other)
        if usual is not None and opening.another_hop(reset.ttl, usual):
            says = f"The RST has TTL {reset.ttl}, the server's packets on connection {other.id} {usual}: "
            return "path", (Ground.INFERENCE,), f"{says}something on the way refused in the server's name."
        if usual is not None:
            return "server", (Ground.FLAG,), "The RST has the TTL of the server's other packets."
    return (
        "server",
        (Ground.FLAG,),
        "That the RST is the server's own is likely: nothing in the packet speaks against.",
    )


def _usual_ttl(connection: Connection) -> int | None:
    segments = connection.segments
    if not connection.established or segments is None:
        return None
    return next((row.ttl for row in opening.rows(segments) if row.side and not row.flags & RST), None)


def _loopback_twin(connection: Connection, traffic: Traffic) -> bool:
    """Whether this is the one of ``localhost``'s two addresses at which nothing listens: that is normal."""
    if not on_one_host(connection):
        return False
    return any(
        other.established
        and other.server.port == connection.server.port
        and other.server.address != connection.server.address
        and on_one_host(other)
        and 0 <= other.opened_ns - connection.opened_ns <= _BOTH_ADDRESSES_NS
        for other in next_opened(connection, traffic)
    )


def _starting(connection: Connection, traffic: Traffic) -> bool:
    """Whether a server on this host was only being started: who waits for one tries until it is there."""
    if not on_one_host(connection) or accepted_later(connection, traffic) is None:
        return False
    same = traffic.by_server.get(connection.server, [])
    before = same[: bisect_right(same, connection.opened_ns, key=opened)]
    return not any(other.established for other in before)
