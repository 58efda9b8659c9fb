"""Rule cert-differs-by-backend: another certificate than the one accepted for the same name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from plainwire import plurals
from plainwire.model import Evidence

from .same_name import same_name

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.diagnose.verdict import Verdict
    from plainwire.model import Connection


_FEWEST_ACCEPTED = 2
"""Other connections that accepted another certificate: one may be another server of that name."""


def cert_differs_by_backend(verdict: Verdict, connection: Connection, traffic: Traffic) -> Verdict | None:
    """Another certificate than the one that is accepted for the same name."""
    tls = connection.tls
    if tls is None or not tls.certificate or verdict.code == "clock-skew-cert":
        return None
    others = [
        c
        for c in same_name(connection, traffic)
        if c.tls is not None and c.tls.handshake_complete and c.server.port == connection.server.port
    ]
    if len(others) < _FEWEST_ACCEPTED or any(
        c.tls is not None and c.tls.certificate == tls.certificate for c in others
    ):
        return None
    where = "another address" if all(c.server != connection.server for c in others) else "the same address"
    return replace(
        verdict,
        code="cert-differs-by-backend",
        fault="server",
        facts=f"{verdict.facts} For the same name {plurals.count(len(others), 'other connection')} to "
        f"{where} got another certificate, and the client accepted it; this one was accepted nowhere.",
        evidence=(*verdict.evidence, Evidence(others[0].first_packet, f"connection {others[0].id} begins")),
        runner_up="a client that trusts nobody: refuted, it accepted the other certificate",
    )
