"""Rule port-reuse-time-wait: the client's port was still in use by an older connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence import opening
from plainwire.diagnose.verdict import Verdict
from plainwire.model import RST, Evidence

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import Connection


def port_reuse_time_wait(connection: Connection, traffic: Traffic) -> Verdict | None:
    """A verdict where a SYN met a connection with the same ports that the server still remembers.

    The server acknowledges the old connection (RFC 5961 section 4.2), the client resets that, and tries again
    when its timer fires.
    """
    del traffic
    begin = opening.of(connection)
    if begin is None:
        return None
    odd = next((s for s in begin.server if opening.is_challenge_ack(s, begin) and s.ack != 0), None)
    reply = next((s for s in begin.client if s.flags & RST and odd and s.time_ns >= odd.time_ns), None)
    if odd is None or reply is None or (begin.syn_acks and reply.time_ns > begin.syn_acks[0].time_ns):
        return None
    late = begin.syn_acks[0].time_ns - begin.syns[0].time_ns if begin.syn_acks else None
    outcome = (
        "It never came about" if late is None else f"It came about {wording.span(late)} after the first SYN"
    )
    return Verdict(
        code="port-reuse-time-wait",
        connection=connection,
        exchanges=(),
        fault="client",
        certainty="likely",
        facts="The SYN was answered by an acknowledgment of bytes that are not of this connection: the "
        f"server still knew an older one with the same ports, which the client's side then reset. {outcome}.",
        evidence=(
            Evidence(begin.syns[0].packet, "SYN from the client"),
            Evidence(odd.packet, "ACK without SYN, of another connection's numbers"),
            Evidence(reply.packet, "RST from the client's side in answer"),
            *(Evidence(offer.packet, "SYN, ACK") for offer in begin.syn_acks[:1]),
        ),
        runner_up="syn-timeout: refuted, the server answered, for an older connection",
        retry_safe=True,
        time_ns=connection.opened_ns,
        failure=False if begin.syn_acks else None,
    )
