"""Rule chain-incomplete: the same certificate was accepted with a longer chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from plainwire import plurals
from plainwire.model import Evidence

from .same_name import same_name

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.diagnose.verdict import Verdict
    from plainwire.model import CloseEvent, Connection


def chain_incomplete(
    verdict: Verdict, connection: Connection, close: CloseEvent, traffic: Traffic
) -> Verdict | None:
    """The same certificate, with fewer others behind it than where it was accepted."""
    tls = connection.tls
    if tls is None or close.detail != "unknown_ca" or not tls.chain:
        return None
    for other in same_name(connection, traffic):
        theirs = other.tls
        if theirs is None or not theirs.handshake_complete or theirs.chain <= tls.chain:
            continue
        if theirs.certificate == tls.certificate:
            return replace(
                verdict,
                code="chain-incomplete",
                fault="server",
                facts=f"{verdict.facts} It sent {plurals.count(tls.chain, 'certificate')}; on connection "
                f"{other.id}, with the same one of its own and {theirs.chain} in all, it was accepted.",
                evidence=(*verdict.evidence, Evidence(other.first_packet, f"connection {other.id} begins")),
                runner_up="a client without the authority: refuted, it accepted the longer chain",
            )
    return None
