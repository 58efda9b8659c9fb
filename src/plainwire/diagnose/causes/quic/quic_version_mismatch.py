"""Rule quic-version-mismatch: client and server have no version of QUIC in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence, Side

from .neighbours import over_tcp

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import Connection


def quic_version_mismatch(connection: Connection, traffic: Traffic) -> Verdict | None:
    """A verdict where the server named other versions and the client came with none of them (RFC 9000, 6).

    Anybody on the way can send a Version Negotiation packet: it is not protected.
    """
    quic = connection.quic
    if quic is None or connection.established or connection.mid_stream:
        return None
    answers = [e for e in connection.events if e.kind == "version_negotiation" and e.side == Side.SERVER]
    if not answers:
        return None
    first = answers[0]
    return Verdict(
        code="quic-version-mismatch",
        connection=connection,
        exchanges=(),
        fault="both",
        grounds=(Ground.INFERENCE,),
        facts=f"The client asked for {quic.version or 'a version'}. The server answered with Version "
        f"Negotiation: {first.detail}. The client came with none of these, and left.",
        evidence=(
            Evidence(connection.first_packet, "the client's first Initial packet"),
            Evidence(first.packet, "Version Negotiation from the server"),
        ),
        runner_up="quic-udp-blocked: refuted, the server answered",
        retry_safe=True,
        time_ns=connection.opened_ns,
        failure=False if over_tcp(connection, traffic) is not None else None,
    )
