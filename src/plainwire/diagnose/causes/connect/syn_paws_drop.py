"""Rule syn-paws-drop: SYNs whose timestamp lags behind that of an accepted one, and that got no reply.

Linux up to 4.11 with tcp_tw_recycle took all clients behind one address for one host, whose clock (TSval, RFC
7323 section 3) cannot go back: for 60 s after a connection it dropped SYNs with a lower one. To see that, the
capture must hold several clients under one address: taken at the server, or outside of the NAT.

A lower TSval alone says little. Some systems draw a new offset for each connection (RFC 7323 section 7
recommends it), and there every second SYN is lower than the one before. So there must be a clock first: three
accepted connections whose TSvals tick together, which the lagging ones do not. And nothing may contradict:
no accepted SYN that lags, and no lost one that does not.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose import wording
from plainwire.diagnose.evidence.ends import addresses
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.traffic.syn_timestamps import (
    FEWEST_ON_CLOCK,
    RATES,
    REMEMBERED_NS,
    accepted_before,
    by_time,
    connection_id,
    in_step,
    signed,
)
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.syn_timestamps import Stamped, Stamps
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import Connection


_MOST_CITED = 3


def syn_paws_drop(connection: Connection, traffic: Traffic) -> Verdict | None:
    """A verdict where all SYNs of a connection lagged behind the clock of accepted ones."""
    stamps = traffic.stamps.get(addresses(connection))
    bar = None if stamps is None else stamps.lagging.get(connection.id)
    if stamps is None or bar is None or stamps.refuted:
        return None
    sent = next(sent for sent in stamps.lost if connection_id(sent) == connection.id)
    recent = accepted_before(stamps, sent[0])
    steady = max(sum(in_step(one, bar, rate) for one in recent) for rate in RATES)
    if steady < FEWEST_ON_CLOCK:
        return None
    return _verdict(connection, sent, bar, stamps)


def _verdict(connection: Connection, sent: list[Stamped], bar: Stamped, stamps: Stamps) -> Verdict:
    begin = bisect_right(stamps.accepted, sent[0].time_ns, key=by_time)
    until = sent[-1].time_ns + REMEMBERED_NS
    alive = next((one for one in stamps.accepted[begin : begin + 1] if one.time_ns <= until), None)
    several = alive is not None and len(stamps.lagging) > 1
    lag, since = signed(bar.stamp - sent[0].stamp), wording.span(sent[0].time_ns - bar.time_ns)
    return Verdict(
        code="syn-paws-drop",
        connection=connection,
        exchanges=(),
        fault="server",
        grounds=(Ground.HABIT,) if several else (Ground.ONCE,),
        facts=f"The SYN was sent {plurals.times(len(sent))} and got no reply. Its timestamp is {lag} ticks "
        f"lower than that of a SYN from the same address that was accepted {since} before, by another clock. "
        f"The same is true of {len(stamps.lagging)} of {plurals.count(len(stamps.lost), 'connection')} that "
        f"got no reply, and of none of the {len(stamps.accepted)} that were accepted.",
        evidence=(
            Evidence(bar.packet, f"SYN of connection {bar.connection.id}, TSval {bar.stamp}: accepted"),
            *(
                Evidence(one.packet, f"SYN, transmission {number}, TSval {one.stamp}: no answer")
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
