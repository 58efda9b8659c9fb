"""Rule quic-pmtu-or-amplification-stall: the handshake stood still because of sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import Connection


_SMALLEST = 1200
"""Bytes of UDP payload: servers drop smaller datagrams with Initial packets (RFC 9000 section 14.1)."""


def quic_pmtu_or_amplification_stall(connection: Connection, traffic: Traffic) -> Verdict | None:
    """A verdict where all of the client's first datagrams are of a size that servers must not answer."""
    del traffic
    quic = connection.quic
    if quic is None or not 0 < quic.largest_initial < _SMALLEST or connection.snapped:
        return None
    if connection.mid_stream or (connection.tls is not None and connection.tls.handshake_complete):
        return None
    return Verdict(
        code="quic-pmtu-or-amplification-stall",
        connection=connection,
        exchanges=(),
        fault="client",
        grounds=(Ground.INFERENCE,),
        facts=f"The largest datagram with an Initial packet of the client's has {quic.largest_initial} "
        f"bytes; a server has to drop what is below {_SMALLEST}, and the handshake was not completed.",
        evidence=(
            Evidence(connection.first_packet, "the client's first Initial packet, in a datagram too small"),
            *(
                (Evidence(connection.last_packet, "the last packet of the connection"),)
                if connection.last_packet != connection.first_packet
                else ()
            ),
        ),
        runner_up="quic-udp-blocked: a larger datagram was not tried",
        retry_safe=True,
        time_ns=connection.opened_ns,
    )
