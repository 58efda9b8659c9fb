"""Private keys in the forms that users have them in, and what they undo."""

from __future__ import annotations

import functools

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from hypothesis import given
from hypothesis import strategies as st

from plainwire.model import UserError
from plainwire.tls.private_key import PrivateKeys
from tests.tls.live import certificate

TLS12 = 0x0303
PREMASTER = b"\3\3" + bytes(range(46))
PKCS1, PKCS8 = PrivateFormat.TraditionalOpenSSL, PrivateFormat.PKCS8


@functools.cache
def key() -> rsa.RSAPrivateKey:
    loaded = serialization.load_pem_private_key(certificate("rsa"), None)
    assert isinstance(loaded, rsa.RSAPrivateKey)
    return loaded


@functools.cache
def another() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@functools.cache
def known() -> PrivateKeys:
    keys = PrivateKeys()
    keys.add(certificate("rsa"), "name")
    return keys


def der() -> bytes:
    return x509.load_pem_x509_certificate(certificate("rsa")).public_bytes(Encoding.DER)


def encrypted(premaster: bytes = PREMASTER) -> bytes:
    return key().public_key().encrypt(premaster, padding.PKCS1v15())


def written(form: str) -> bytes:
    own = x509.load_pem_x509_certificate(certificate("rsa"))
    return {
        "PKCS #8 PEM": key().private_bytes(Encoding.PEM, PKCS8, NoEncryption()),
        "PKCS #8 DER": key().private_bytes(Encoding.DER, PKCS8, NoEncryption()),
        "PKCS #1 PEM": key().private_bytes(Encoding.PEM, PKCS1, NoEncryption()),
        "PKCS #1 DER": key().private_bytes(Encoding.DER, PKCS1, NoEncryption()),
        "PKCS #12": pkcs12.serialize_key_and_certificates(b"name", key(), own, None, NoEncryption()),
        "certificate and key": b"words before it\n" + certificate("rsa") + b"and after\n",
        "two keys": another().private_bytes(Encoding.PEM, PKCS8, NoEncryption()) + certificate("rsa"),
    }[form]


@pytest.mark.parametrize(
    "form",
    [
        "PKCS #8 PEM",
        "PKCS #8 DER",
        "PKCS #1 PEM",
        "PKCS #1 DER",
        "PKCS #12",
        "certificate and key",
        "two keys",
    ],
)
@pytest.mark.parametrize("known", [True, False], ids=["certificate", "no certificate"])
def test_each_form(form: str, *, known: bool) -> None:
    keys = PrivateKeys()
    keys.add(written(form), "name")
    assert keys.premaster(encrypted(), TLS12, der() if known else None) == PREMASTER


def unusable(form: str) -> bytes:
    curve = ec.generate_private_key(ec.SECP256R1())
    return {
        "empty": b"",
        "junk": b"junk",
        "damaged": b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        "certificate alone": certificate("rsa").split(b"-----BEGIN PRIVATE")[0],
        "elliptic curve": curve.private_bytes(Encoding.PEM, PKCS8, NoEncryption()),
    }[form]


@pytest.mark.parametrize(
    ("form", "why"),
    [
        ("empty", "no private key"),
        ("junk", "no private key"),
        ("damaged", "no private key"),
        ("certificate alone", "no private key"),
        ("elliptic curve", "not an RSA key"),
    ],
)
def test_a_wrong_file_is_named_in_one_line(form: str, why: str) -> None:
    with pytest.raises(UserError) as caught:
        PrivateKeys().add(unusable(form), "the file")
    assert str(caught.value).startswith(f"the file: {why}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("form", [PKCS1, PKCS8], ids=["PKCS #1", "PKCS #8"])
@pytest.mark.parametrize("encoding", [Encoding.PEM, Encoding.DER], ids=["PEM", "DER"])
def test_a_password_is_named(form: PrivateFormat, encoding: Encoding) -> None:
    if (form, encoding) == (PKCS1, Encoding.DER):
        return  # there is no such thing
    data = key().private_bytes(encoding, form, BestAvailableEncryption(b"secret"))
    with pytest.raises(UserError, match="the file: the key is behind a password"):
        PrivateKeys().add(data, "the file")


def test_a_key_that_does_not_fit_gives_nothing() -> None:
    keys = PrivateKeys()
    keys.add(another().private_bytes(Encoding.PEM, PKCS8, NoEncryption()), "name")
    assert keys.premaster(encrypted(), TLS12, der()) is None
    assert keys.premaster(encrypted(), TLS12, None) is None


def test_the_version_in_the_secret_may_be_wrong_where_the_key_is_right() -> None:
    assert known().premaster(encrypted(), 0x0301, der()) == PREMASTER  # a known mistake of old clients
    assert known().premaster(encrypted(), 0x0301, None) is None


@given(st.binary(max_size=300), st.none() | st.binary(max_size=60))
def test_any_bytes_of_the_wire_are_an_answer(data: bytes, certificate_der: bytes | None) -> None:
    assert known().premaster(data, TLS12, certificate_der) is None


def test_why_keys_that_open_nothing_do_not() -> None:
    keys = PrivateKeys()
    assert keys.why_useless() is None
    keys.add(another().private_bytes(Encoding.PEM, PKCS8, NoEncryption()), "name")
    assert keys.why_useless() == (
        "the private key opens nothing: no connection exchanged keys by RSA, others need a key log"
    )
    keys.premaster(encrypted(), TLS12, der())
    assert keys.why_useless() == "no private key fits the servers that exchanged keys by RSA"
    keys.add(certificate("rsa"), "name")
    keys.premaster(encrypted(), TLS12, der())
    assert keys.why_useless() is None


def test_no_key_in_its_repr() -> None:
    assert repr(known()) == "<1 private keys>"
