"""Premaster secrets from all that may give one."""

from __future__ import annotations

import functools

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from hypothesis import given
from hypothesis import strategies as st

from plainwire.tls import suites
from plainwire.tls.keylog import KeyLog
from plainwire.tls.premaster import candidates, with_psk
from tests.tls.live import certificate

SSL3, TLS12 = 0x0300, 0x0303
RANDOM, PSK = b"r" * 32, b"psk"
PREMASTER = b"\3\3" + bytes(46)
RSA_AES, PSK_AES, RSA_PSK_AES, DHE_AES = 0x002F, 0x008C, 0x0094, 0x0033


@functools.cache
def known() -> KeyLog:
    keys = KeyLog()
    keys.private_keys.add(certificate("rsa"), "name")
    keys.psks.append(PSK)
    return keys


@functools.cache
def encrypted() -> bytes:
    key = serialization.load_pem_private_key(certificate("rsa"), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key.public_key().encrypt(PREMASTER, padding.PKCS1v15())


def vector(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


def found(keys: KeyLog, number: int, key_exchange: bytes, version: int = TLS12) -> list[bytes]:
    suite = suites.lookup(version, number)
    assert suite is not None
    return candidates(keys, suite, version, TLS12, RANDOM, key_exchange, None)


def test_by_private_key() -> None:
    secret = encrypted()
    assert found(known(), RSA_AES, vector(secret)) == [PREMASTER]
    assert found(known(), RSA_AES, secret, SSL3) == [PREMASTER]
    assert found(known(), RSA_AES, vector(secret), SSL3) == [PREMASTER]
    assert found(known(), DHE_AES, vector(secret)) == []


def test_by_pre_shared_key() -> None:
    """RFC 4279 section 2: as many zeros as the key is long, then the key, each behind its length."""
    plain = bytes.fromhex("0003 000000 0003") + PSK
    assert found(known(), PSK_AES, vector(b"identity")) == [plain]
    mixed = bytes.fromhex("0030") + PREMASTER + bytes.fromhex("0003") + PSK
    assert found(known(), RSA_PSK_AES, vector(b"identity") + vector(encrypted())) == [mixed]


def test_by_lines_of_the_key_log_the_last_one_first() -> None:
    secret, keys = encrypted(), KeyLog()
    keys.add(f"PMS_CLIENT_RANDOM {RANDOM.hex()} {b'one'.hex()}\n".encode())
    keys.add(f"PMS_CLIENT_RANDOM {RANDOM.hex()} {b'two'.hex()}\n".encode())
    keys.add(f"RSA {secret[:8].hex()} {PREMASTER.hex()}\n".encode())
    assert found(keys, RSA_AES, vector(secret)) == [b"two", b"one", PREMASTER]
    assert found(keys, DHE_AES, vector(secret)) == [b"two", b"one"]


@given(st.sampled_from([RSA_AES, PSK_AES, RSA_PSK_AES, DHE_AES]), st.binary(max_size=80))
def test_any_key_exchange_is_an_answer(number: int, key_exchange: bytes) -> None:
    for version in (SSL3, TLS12):
        assert len(found(known(), number, key_exchange, version)) <= 1


def test_an_empty_pre_shared_key() -> None:
    assert with_psk(b"") == bytes(4)
