"""Rules tls-alert-... over QUIC: an alert travels as CONNECTION_CLOSE with a CRYPTO_ERROR (RFC 9001, 4.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence, Quoted, Side

from . import alerts

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import Connection, StreamEvent

_PREFIX = "CRYPTO_ERROR ("


def quic_alert(connection: Connection, _traffic: Traffic) -> Verdict | None:
    """A verdict where a QUIC connection ended with a TLS alert before any request."""
    event = next((e for e in connection.events if e.kind == "connection_close"), None)
    if connection.transport != "quic" or event is None or not event.name.startswith(_PREFIX):
        return None
    name = event.name.removeprefix(_PREFIX).removesuffix(")")
    who = "server" if event.side == Side.SERVER else "client"
    said = alerts.TLS_ALERT.said(name, event.side)
    means = "" if said is None else f": {said.means}"
    return Verdict(
        code=alerts.TLS_ALERT.code(name),
        connection=connection,
        exchanges=(),
        fault="unknown" if said is None else said.fault,
        grounds=(Ground.INFERENCE,),
        facts=f"The {who} ended the QUIC connection in the handshake with the TLS alert {name}{means}. The "
        "keys of a handshake's first packets can be worked out by anybody on the way.",
        evidence=(
            Evidence(connection.first_packet, "the first packet, with the ClientHello"),
            Evidence(event.packet, f"CONNECTION_CLOSE ({event.name}) from the {who}"),
        ),
        quotes=_reason(event),
        runner_up="a network that drops UDP: refuted, both sides were heard",
        retry_safe=True,
        time_ns=connection.opened_ns,
        sender=event.side,
    )


def _reason(event: StreamEvent) -> tuple[Quoted, ...]:
    return (Quoted(event.packet, "the reason that it gave", event.said),) if event.said else ()
