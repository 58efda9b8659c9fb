"""What in a server's certificate a client may well refuse, as far as the capture shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording

from .certificate_names import is_for_another_name

if TYPE_CHECKING:
    from plainwire.model import Connection, Fault, TlsInfo


def is_expired(connection: Connection, tls: TlsInfo) -> bool:
    """Whether its last day was over, by the capture's clock."""
    leaf = tls.leaf
    return leaf is not None and not leaf.defect and leaf.not_after_ns < connection.last_ns


def signed_itself(tls: TlsInfo) -> bool:
    """Whether it is its own issuer."""
    leaf = tls.leaf
    return leaf is not None and not leaf.defect and leaf.subject == leaf.issuer


def certificate_defect(connection: Connection, tls: TlsInfo) -> tuple[Fault, str]:
    """Who is to look, and a sentence for each defect; empty where none shows."""
    leaf = tls.leaf
    if leaf is None or leaf.defect:
        return "unknown", ""
    found: list[str] = []
    if is_for_another_name(tls):
        found.append(
            "The certificate does not cover the name that the client asked for (a wildcard stands for one "
            "label)."
        )
    if is_expired(connection, tls):
        ago = wording.long_span(connection.last_ns - leaf.not_after_ns)
        found.append(f"The certificate had expired {ago} before, by the capture's clock.")
    elif leaf.not_before_ns > connection.last_ns:
        ahead = wording.long_span(leaf.not_before_ns - connection.last_ns)
        found.append(f"The certificate becomes valid only {ahead} later, by the capture's clock.")
    if signed_itself(tls):
        found.append("The certificate signed itself, which clients trust only where they are told to.")
    elif tls.chain == 1 and not found:
        found.append("The server sent its own certificate only, and not that of the issuer.")
    fault: Fault = "server" if is_expired(connection, tls) and len(found) == 1 else "unknown"
    return fault, " ".join(found)
