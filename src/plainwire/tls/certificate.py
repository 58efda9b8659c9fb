"""What a certificate says about itself. Whether it is trusted is not checked."""

from __future__ import annotations

import ipaddress
import warnings
import zlib
from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.model import Certificate

if TYPE_CHECKING:
    from cryptography import x509

_ZLIB = 1
_MOST_INFLATED = 1 << 17
_MOST_NAMES = 100
_LARGEST = 1 << 17
"""Most bytes of DER that are read: a certificate with a hundred names has 4,000."""


def read(der: bytes) -> Certificate:
    """Read a certificate. ``defect`` says what could not be read; no bytes raise an error."""
    from cryptography import x509  # noqa: PLC0415 - takes long to load, and few ask

    if len(der) > _LARGEST:
        return Certificate(defect=f"the certificate has {plurals.count(len(der), 'byte')}")
    try:
        with warnings.catch_warnings(action="ignore"):  # of certificates that bend the rules
            return _read(x509.load_der_x509_certificate(der))
    except Exception:  # noqa: BLE001 - the library has many of its own (InvalidVersion), and more to come
        return Certificate(defect="the certificate is damaged")


def _read(found: x509.Certificate) -> Certificate:
    return Certificate(
        subject=found.subject.rfc4514_string(),
        issuer=found.issuer.rfc4514_string(),
        names=_names(found),
        not_before_ns=int(found.not_valid_before_utc.timestamp()) * 1_000_000_000,
        not_after_ns=int(found.not_valid_after_utc.timestamp()) * 1_000_000_000,
        rsa_bits=_rsa_bits(found),
        hashed_with=_hash(found),
        for_servers=_is_for_servers(found),
        must_staple=_must_staple(found),
    )


def _rsa_bits(found: x509.Certificate) -> int:
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415

    try:
        key = found.public_key()
    except Exception:  # noqa: BLE001 - as above
        return 0
    return key.key_size if isinstance(key, rsa.RSAPublicKey) else 0


def _hash(found: x509.Certificate) -> str:
    try:
        algorithm = found.signature_hash_algorithm
    except Exception:  # noqa: BLE001 - as above
        return ""
    return "" if algorithm is None else algorithm.name


def _is_for_servers(found: x509.Certificate) -> bool:
    from cryptography import x509  # noqa: PLC0415
    from cryptography.x509.oid import ExtendedKeyUsageOID  # noqa: PLC0415

    try:
        usage = found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return True
    return any(
        oid in (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE) for oid in usage
    )


def _must_staple(found: x509.Certificate) -> bool:
    from cryptography import x509  # noqa: PLC0415

    try:
        features = found.extensions.get_extension_for_class(x509.TLSFeature).value
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return False
    return any(feature is x509.TLSFeatureType.status_request for feature in features)


def _names(found: x509.Certificate) -> tuple[str, ...]:
    from cryptography import x509  # noqa: PLC0415

    try:
        extension = found.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return ()
    names: list[str] = []
    for name in list(extension.value)[:_MOST_NAMES]:
        if isinstance(name, x509.DNSName):
            names.append(name.value)
        elif isinstance(name, x509.IPAddress) and isinstance(
            name.value, ipaddress.IPv4Address | ipaddress.IPv6Address
        ):
            names.append(str(name.value))
    return tuple(names)


def decompressed(body: bytes) -> bytes:
    """The Certificate message in a CompressedCertificate (RFC 8879); empty if damaged or not zlib's."""
    if int.from_bytes(body[:2], "big") != _ZLIB:
        return b""
    inflate = zlib.decompressobj()
    try:
        return inflate.decompress(body[8:], _MOST_INFLATED)
    except zlib.error:
        return b""
