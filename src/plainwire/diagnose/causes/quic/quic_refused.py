"""Rule connection-refused, for QUIC: its first packets met with an ICMP error and with nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence import icmp_refusals
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

from .neighbours import over_tcp

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import Connection


def quic_refused(connection: Connection, traffic: Traffic) -> Verdict | None:
    """A verdict where nothing takes the client's UDP (RFC 792; RFC 4443 section 3.1)."""
    quic = connection.quic
    errors = [error for error in connection.icmp_errors if icmp_refusals.is_unreachable(error)]
    if quic is None or quic.answered or connection.mid_stream or not errors:
        return None
    first = errors[0]
    fault, sender = icmp_refusals.refuser(connection, first)
    after = wording.span(max(0, first.time_ns - connection.opened_ns))
    return Verdict(
        code="connection-refused",
        connection=connection,
        exchanges=(),
        fault=fault,
        grounds=(Ground.INFERENCE,),
        facts=f"The client's first packets of QUIC, over UDP, were answered by an ICMP error ({first.says}) "
        f"from {sender} after {after}, and by nothing else: nothing takes UDP at "
        f"{wording.address(connection)}.",
        evidence=(
            Evidence(connection.first_packet, "the client's first Initial packet"),
            Evidence(first.packet, f"ICMP error, type {first.type}, code {first.code}, about such a packet"),
        ),
        runner_up="quic-udp-blocked: refuted, there was an answer",
        retry_safe=True,
        time_ns=connection.opened_ns,
        failure=False if over_tcp(connection, traffic) is not None else None,
    )
