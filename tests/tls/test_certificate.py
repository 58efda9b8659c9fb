"""What a certificate says of itself, and that no bytes can do more than be named damaged."""

from __future__ import annotations

import datetime as dt
import ipaddress

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from plainwire.model import Certificate
from plainwire.tls.certificate import read

_VERSION = bytes((0xA0, 3, 2, 1))
"""How the field ``version`` begins (RFC 5280 section 4.1): its value is the next byte."""


def _der() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "storage.example")])
    began = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    names = [x509.DNSName("storage.example"), x509.IPAddress(ipaddress.ip_address("192.0.2.1"))]
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(7).not_valid_before(began).not_valid_after(began + dt.timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
    made = made.add_extension(x509.TLSFeature([x509.TLSFeatureType.status_request]), critical=False)
    return made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


DER = _der()


def test_a_certificate_says_whose_it_is_and_when_it_holds() -> None:
    assert read(DER) == Certificate(
        subject="CN=storage.example",
        issuer="CN=storage.example",
        names=("storage.example", "192.0.2.1"),
        not_before_ns=1_704_067_200_000_000_000,
        not_after_ns=1_704_153_600_000_000_000,
        hashed_with="sha256",
        must_staple=True,
    )


@pytest.mark.parametrize("version", [1, 3, 9, 255])
def test_a_version_that_does_not_exist_is_damage(version: int) -> None:
    at = DER.index(_VERSION) + len(_VERSION)
    assert read(DER[:at] + bytes((version,)) + DER[at + 1 :]).defect


@given(st.lists(st.tuples(st.integers(0, len(DER) - 1), st.integers(0, 255)), max_size=4), st.integers(0, 9))
def test_any_bytes_are_answered_with_a_certificate(changes: list[tuple[int, int]], cut: int) -> None:
    damaged = bytearray(DER)
    for at, value in changes:
        damaged[at] = value
    assert isinstance(read(bytes(damaged[: len(damaged) - cut])), Certificate)


def test_a_certificate_of_megabytes_is_not_looked_into() -> None:
    assert read(DER + b"\0" * (1 << 20)).defect == f"the certificate has {len(DER) + (1 << 20)} bytes"
