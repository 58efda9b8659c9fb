"""Rule port-reuse-time-wait: the client's port was still in use by an older connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence import opening
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import RST, Evidence

if TYPE_CHECKING:
    from plainwire.diagnose.evidence.opening import Opening, Segment
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
    odd, reply = _challenge(begin)
    if odd is None or reply is None or (begin.syn_acks and reply.time_ns > begin.syn_acks[0].time_ns):
        return None
    late = begin.syn_acks[0].time_ns - begin.syns[0].time_ns if begin.syn_acks else None
    outcome = (
        "The connection was never established"
        if late is None
        else f"It was established {wording.span(late)} after the first SYN"
    )
    return Verdict(
        code="port-reuse-time-wait",
        connection=connection,
        exchanges=(),
        fault="client",
        grounds=(Ground.INFERENCE,),
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


def _challenge(begin: Opening) -> tuple[Segment, Segment] | tuple[None, None]:
    """The acknowledgment of an older connection, and the RST that answers it with that very number.

    RFC 9293 section 3.10.7.3. Without the number it could be a segment of this connection, whose SYN-ACK is
    not in the capture.
    """
    sent = max((segment.end for segment in begin.client_data), default=0) + 1  # a FIN takes a number too
    for odd in begin.server:
        if not opening.is_challenge_ack(odd, begin) or odd.length or 0 <= odd.ack <= sent:
            continue
        for reply in begin.client:
            if reply.flags & RST and reply.seq == odd.ack and reply.time_ns >= odd.time_ns:
                return odd, reply
    return None, None
