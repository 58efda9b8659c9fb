"""Rule quic-udp-blocked: no answer over UDP, while TCP works."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

from .neighbours import FEWEST_DATAGRAMS, over_tcp

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import Connection


def quic_udp_blocked(connection: Connection, traffic: Traffic) -> Verdict | None:
    """A verdict where a client's Initial packets got no answer, and TCP to the same place did.

    Without the latter only of a program's own connections, which were captured in both directions: elsewhere
    the capture may hold only one.
    """
    quic = connection.quic
    if quic is None or quic.answered or connection.mid_stream or connection.icmp_errors:
        return None
    if connection.packets < FEWEST_DATAGRAMS or connection.tls is None:
        return None
    other = over_tcp(connection, traffic)
    if other is None and connection.program is None:
        return None
    # Without TCP nothing else shows whether the server is there.
    evidence = [
        Evidence(connection.first_packet, "the client's first Initial packet"),
        Evidence(connection.last_packet, "the last of its packets, none of which was answered"),
    ]
    if other is not None:
        evidence.append(Evidence(other.first_packet, f"the SYN of connection {other.id}"))
    lasted = wording.span(connection.last_ns - connection.opened_ns)
    return Verdict(
        code="quic-udp-blocked",
        connection=connection,
        exchanges=(),
        fault="unknown",
        grounds=(Ground.GUESS,),
        facts=f"The client sent {connection.packets} datagrams of QUIC in {lasted}, and nothing came back"
        + (_NOTHING_ELSE if other is None else _beside(connection, other)),
        evidence=tuple(evidence),
        runner_up="a server that is down: not excluded, nothing went to it over TCP"
        if other is None
        else "a server that is down: refuted, it accepts connections over TCP",
        retry_safe=True,
        time_ns=connection.opened_ns,
    )


_NOTHING_ELSE = (
    ", not even an ICMP error. That the network drops UDP is one reason; a server that is down or does not "
    "speak QUIC there, another."
)


def _beside(connection: Connection, other: Connection) -> str:
    after = other.opened_ns - connection.opened_ns
    order = f"{wording.span(abs(after))} {'after' if after >= 0 else 'before'} the first of them"
    return (
        f"; connection {other.id} to the same server over TCP, opened {order}, was accepted. That the "
        "network drops UDP is one reason, a server that does not speak QUIC there another."
    )
