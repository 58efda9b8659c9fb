"""Rule tls-interception: a certificate for the server's name by an issuer of somebody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from plainwire import plurals
from plainwire.diagnose.grounds import Ground
from plainwire.model import Evidence, Side

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.diagnose.verdict import Verdict
    from plainwire.model import Certificate, Connection


_DISTRUST = frozenset({"unknown_ca", "bad_certificate", "certificate_unknown"})


def tls_interception(verdict: Verdict, connection: Connection, traffic: Traffic) -> Verdict:
    """The verdict on a handshake, sharper where the refused certificate looks like an interceptor's.

    The client did not know the issuer, and yet the certificate is for the very name that it asked for;
    on other connections to that name it accepted one of another issuer. A server's own certificate of
    last resort names something else, or is its own issuer.
    """
    tls = connection.tls
    if tls is None or tls.leaf is None or not tls.server_name or not _distrusted(connection):
        return verdict
    leaf = tls.leaf
    if leaf.defect or leaf.issuer == leaf.subject or not _names(leaf, tls.server_name):
        return verdict
    accepted = [other for other in traffic.connections if _accepted(other, tls.server_name)]
    foreign = [c for c in accepted if c.tls is not None and c.tls.leaf and c.tls.leaf.issuer != leaf.issuer]
    if not foreign or len(foreign) < len(accepted):
        return verdict
    return replace(
        verdict,
        code="tls-interception",
        fault="path",
        grounds=(Ground.INFERENCE,),
        facts=f"{verdict.facts} The certificate is for the name that was asked for, but of another issuer "
        f"than on {plurals.count(len(foreign), 'connection')} where the client accepted the server's.",
        evidence=(*verdict.evidence, Evidence(foreign[0].first_packet, f"connection {foreign[0].id} begins")),
        runner_up="cert-differs-by-backend: not excluded, one of their servers may have a certificate of an "
        "issuer that the client does not know",
    )


def _distrusted(connection: Connection) -> bool:
    return any(
        c.kind == "alert" and c.side == Side.CLIENT and c.detail in _DISTRUST for c in connection.closes
    )


def _accepted(connection: Connection, name: str) -> bool:
    tls = connection.tls
    return (
        tls is not None
        and tls.server_name == name
        and tls.handshake_complete
        and tls.leaf is not None
        and not tls.leaf.defect
        and not _distrusted(connection)
    )


def _names(leaf: Certificate, name: str) -> bool:
    """Whether the certificate is for the name, a wildcard for its first label included (RFC 9525)."""
    wanted = name.lower()
    behind = "*." + wanted.partition(".")[2]
    return any(each.lower() in (wanted, behind) for each in leaf.names)
