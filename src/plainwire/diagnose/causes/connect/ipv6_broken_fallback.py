"""Rule ipv6-broken-fallback: IPv6 does not work, and the client noticed only by waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose import wording
from plainwire.diagnose.evidence.captured import server_was_seen
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

from .neighbours import MOST_CITED, next_opened

if TYPE_CHECKING:
    from plainwire.diagnose.evidence.opening import Opening
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import Connection


_SYN_RETRIES_NS = 135_000_000_000
"""Linux gives up on a SYN after about 130 s; a program turns to the next address then, if not before."""


def fallback_of(connection: Connection, begin: Opening, traffic: Traffic) -> Connection | None:
    """The connection that the same program made to another address, once this one was not established."""
    for other in next_opened(connection, traffic):
        if not other.established or not server_was_seen(other):
            continue
        if other.server.port != connection.server.port:
            continue
        if other.server.address == connection.server.address or other.transport != "tcp":
            continue
        processes = {c.program.pid for c in (connection, other) if c.program is not None}
        if len(processes) <= 1 and other.opened_ns - begin.syns[0].time_ns <= _SYN_RETRIES_NS:
            return other
    return None


def ipv6_broken_fallback(connection: Connection, begin: Opening, other: Connection) -> Verdict:
    """The verdict where IPv6 got no reply and IPv4 was accepted."""
    cost = other.opened_ns - begin.syns[0].time_ns
    return Verdict(
        code="ipv6-broken-fallback",
        connection=connection,
        exchanges=(),
        fault="path",
        grounds=(Ground.INFERENCE,),
        facts=f"{plurals.count(len(begin.syns), 'SYN')} to the IPv6 address got no reply; connection "
        f"{other.id} to an IPv4 address at the same port, opened {wording.span(cost)} after the first of "
        "them, was accepted. Each connection to this name may cost that much more.",
        evidence=(
            *(
                Evidence(syn.packet, f"SYN over IPv6, transmission {count}, without any answer")
                for count, syn in enumerate(begin.syns[:MOST_CITED], 1)
            ),
            Evidence(other.first_packet, f"the SYN of connection {other.id}, over IPv4"),
        ),
        runner_up="the server is down: refuted, it accepts connections over IPv4",
        retry_safe=True,
        time_ns=connection.opened_ns,
    )
