"""A certificate authority and a server certificate, made at run time: no key lies in the source."""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from msgspec import Struct

if TYPE_CHECKING:
    from pathlib import Path

LIFETIME = dt.timedelta(days=2)


class Certificates(Struct, frozen=True):
    """PEM files: ``authority`` for clients to trust; ``chain`` and the 0600 ``key`` for a server.

    ``bundle`` (0600) is chain and key in one file, the form that haproxy reads.
    """

    authority: Path
    chain: Path
    key: Path
    bundle: Path


def make(folder: Path, names: tuple[str, ...], *, authority: str = "plainwire lab authority") -> Certificates:
    """Write certificates for ``names`` (DNS names, IP addresses) into ``folder``, signed by ``authority``."""
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority_name = _name(authority)
    root = _sign(authority_name, authority_name, authority_key.public_key(), authority_key, names=None)
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = _sign(_name(names[0]), authority_name, key.public_key(), authority_key, names=names)
    files = Certificates(
        folder / "authority.pem", folder / "server.pem", folder / "server.key", folder / "bundle.pem"
    )
    chain_pem = leaf.public_bytes(serialization.Encoding.PEM)
    key_pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    _write(files.authority, root.public_bytes(serialization.Encoding.PEM), 0o644)
    _write(files.chain, chain_pem, 0o644)
    _write(files.key, key_pem, 0o600)
    _write(files.bundle, chain_pem + key_pem, 0o600)
    return files


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _sign(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    signer: ec.EllipticCurvePrivateKey,
    names: tuple[str, ...] | None,
) -> x509.Certificate:
    """One certificate; ``names`` None makes it an authority's (RFC 5280 section 4.2.1.9)."""
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.BasicConstraints(ca=names is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    )
    if names is None:
        builder = builder.add_extension(_AUTHORITY_USAGE, critical=True)
    else:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False
        )
    return builder.sign(signer, hashes.SHA256())


_AUTHORITY_USAGE = x509.KeyUsage(
    digital_signature=True,
    key_cert_sign=True,
    crl_sign=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    encipher_only=False,
    decipher_only=False,
)
"""RFC 5280 section 4.2.1.3: an authority says that it signs certificates (OpenSSL's strict mode insists)."""


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write(path: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
