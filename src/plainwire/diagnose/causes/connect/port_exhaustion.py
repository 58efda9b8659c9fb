"""Rule port-exhaustion: new connections fail while old ones go on: the ports may be used up."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

from .neighbours import MOST_CITED, opened

if TYPE_CHECKING:
    from plainwire.diagnose.evidence.opening import Opening
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import Connection


_MOST_LOOKED_AT = 1000

_TIME_WAIT_NS = 240_000_000_000
"""TIME-WAIT lasts two MSL: four minutes (RFC 9293 section 3.4.2)."""

_MANY = 500
"""So many connections to one address within four minutes may use up the ports of a NAT."""


def crowd_before(connection: Connection, begin: Opening, traffic: Traffic) -> tuple[int, Connection] | None:
    """How many connections to the address were opened lately, and one of them that still worked."""
    first = begin.syns[0].time_ns
    accepted = traffic.accepted.get(connection.server, [])
    begun, ended = (bisect_right(accepted, at, key=opened) for at in (first - _TIME_WAIT_NS, first))
    if ended - begun < _MANY:
        return None
    works = (
        other
        for other in reversed(accepted[max(begun, ended - _MOST_LOOKED_AT) : ended])
        if other.exchanges and other.exchanges[-1].response and other.exchanges[-1].response.time_ns > first
    )
    alive = next(works, None)
    return None if alive is None else (ended - begun, alive)


def port_exhaustion(connection: Connection, begin: Opening, count: int, alive: Connection) -> Verdict:
    """The verdict where many connections were opened lately, and one of them is alive."""
    answer = alive.exchanges[-1].response
    return Verdict(
        code="port-exhaustion",
        connection=connection,
        exchanges=(),
        fault="client",
        grounds=(Ground.GUESS,),
        facts=f"A new connection got no reply ({plurals.count(len(begin.syns), 'SYN')}), while connection "
        f"{alive.id} to the same address, opened before, was answered. {count} connections to this address "
        "were opened in the four minutes before: a NAT on the way may have no port left for another.",
        evidence=(
            *(
                Evidence(syn.packet, "SYN from the client, without any answer")
                for syn in begin.syns[:MOST_CITED]
            ),
            *((Evidence(answer.packet, f"an answer on connection {alive.id}"),) if answer else ()),
        ),
        runner_up="syn-timeout by an outage: refuted, the address answers on an older connection",
        retry_safe=True,
        time_ns=connection.opened_ns,
    )
