"""What in a server's certificate a client may well refuse, as far as the capture shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording

from .certificate_names import covers, is_for_another_name

if TYPE_CHECKING:
    from plainwire.model import Certificate, Connection, Fault, TlsInfo

_FEWEST_BITS = 2048
"""Of an RSA key at OpenSSL's security level 2, Debian's default (NIST SP 800-57)."""

_OLD_HASHES = frozenset(("md5", "sha1"))
"""RFC 9155."""


def is_expired(connection: Connection, tls: TlsInfo) -> bool:
    """Whether its last day was over, by the capture's clock."""
    leaf = tls.leaf
    return leaf is not None and not leaf.defect and leaf.not_after_ns < connection.last_ns


def lacks_address(connection: Connection, tls: TlsInfo) -> bool:
    """Whether no name was told and the certificate is not for the address: a URL may have had that."""
    leaf = tls.leaf
    if leaf is None or leaf.defect or not leaf.names or tls.server_name or tls.encrypted_client_hello:
        return False
    return not (connection.exchanges or connection.tunnels) and not covers(
        leaf.names, connection.server.address
    )


def signed_itself(tls: TlsInfo) -> bool:
    """Whether it is its own issuer."""
    leaf = tls.leaf
    return leaf is not None and not leaf.defect and leaf.subject == leaf.issuer


def lacks_staple(tls: TlsInfo) -> bool:
    """Whether the certificate says that a stapled OCSP response comes with it, and none did."""
    leaf = tls.leaf
    return leaf is not None and leaf.must_staple and tls.status_requested and not tls.stapled


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
    if lacks_address(connection, tls):
        found.append(
            "The client told no server name, as one does that asks for an address, and the certificate does "
            "not cover the server's address."
        )
    if is_expired(connection, tls):
        ago = wording.long_span(connection.last_ns - leaf.not_after_ns)
        found.append(f"The certificate had expired {ago} before, by the capture's clock.")
    elif leaf.not_before_ns > connection.last_ns:
        ahead = wording.long_span(leaf.not_before_ns - connection.last_ns)
        found.append(f"The certificate becomes valid only {ahead} later, by the capture's clock.")
    found += of_its_kind(leaf)
    if lacks_staple(tls):
        found.append(
            "The certificate demands a stapled OCSP response of its server (RFC 7633), the client asked for "
            "one, and none came."
        )
    old = next((i for i in tls.issuers_said if not i.defect and i.not_after_ns < connection.last_ns), None)
    if old is not None:
        ago = wording.long_span(connection.last_ns - old.not_after_ns)
        found.append(f"A certificate that the server sent behind it, of an issuer, had expired {ago} before.")
    if signed_itself(tls):
        found.append("The certificate signed itself, which clients trust only where they are told to.")
    elif tls.chain == 1 and not found:
        found.append("The server sent its own certificate only, and not that of the issuer.")
    sure = is_expired(connection, tls) or not leaf.for_servers or old is not None or lacks_staple(tls)
    fault: Fault = "server" if sure and len(found) == 1 else "unknown"
    return fault, " ".join(found)


def of_its_kind(leaf: Certificate) -> list[str]:
    """What today's clients refuse in a certificate, whoever signed it."""
    found: list[str] = []
    if not leaf.for_servers:
        found.append("The certificate's extended key usage does not allow a server of TLS (serverAuth).")
    if not leaf.names:
        found.append(
            "The certificate has no subjectAltName that names a host: its Common Name alone is not enough "
            "for Go, browsers and others (RFC 9525 section 2)."
        )
    if 0 < leaf.rsa_bits < _FEWEST_BITS:
        found.append(f"Its RSA key has {leaf.rsa_bits} bits, fewer than OpenSSL's security level 2 allows.")
    if leaf.hashed_with in _OLD_HASHES and leaf.subject != leaf.issuer:
        found.append(f"It is signed with {leaf.hashed_with.upper()}, which clients refuse today.")
    return found
