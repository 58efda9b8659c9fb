"""Secrets and records of SSL 3.0 to TLS 1.3, against vectors and against other implementations."""

from __future__ import annotations

import hmac
import subprocess
import warnings
import zlib
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4
from cryptography.hazmat.primitives.ciphers import Cipher
from hypothesis import given
from hypothesis import strategies as st

from plainwire.tls import suites
from plainwire.tls.ciphers import Aead13, connection_ciphers
from plainwire.tls.prf import prf
from plainwire.tls.registry import NAMES
from tests.needs import tool

with warnings.catch_warnings(action="ignore"):  # asyncore, which it takes along where Python still has it
    from tlslite import mathtls  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from plainwire.tls.record_cipher import RecordCipher

SSL3, TLS10, TLS12, TLS13 = 0x0300, 0x0301, 0x0303, 0x0304
MASTER, RANDOMS = bytes(range(48)), (b"c" * 32, b"s" * 32)
APPLICATION = 23

# https://www.ietf.org/mail-archive/web/tls/current/msg03416.html
VECTORS = {
    "sha256": (
        "9bbe436ba940f017b17652849a71db35",
        "a0ba9f936cda311827a6f796ffd5198c",
        (
            "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a"
            "6b301791e90d35c9c9a46b4e14baf9af0fa022f7077def17abfd3797c0564bab"
            "4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff701"
            "87347b66"
        ),
    ),
    "sha384": (
        "b80b733d6ceefcdc71566ea48e5567df",
        "cd665cf6a8447dd6ff8b27555edb7465",
        (
            "7b0c18e9ced410ed1804f2cfa34a336a1c14dffb4900bb5fd7942107e81c83cd"
            "e9ca0faa60be9fe34f82b1233c9146a0e534cb400fed2700884f9dc236f80edd"
            "8bfa961144c9e8d792eca722a7b32fc3d416d473ebc2c5fd4abfdad05d918425"
            "9b5bf8cd4d90fa0d31e2dec479e4f1a26066f2eea9a69236a3e52655c9e9aee6"
            "91c8f3a26854308d5eaa3be85e0990703d73e56f"
        ),
    ),
}


@pytest.mark.parametrize("algorithm", VECTORS)
def test_prf_of_tls_1_2(algorithm: str) -> None:
    secret, seed, output = (bytes.fromhex(text) for text in VECTORS[algorithm])
    assert prf(0x0303, algorithm, secret, b"test label", seed, len(output)) == output


@pytest.mark.parametrize("size", [16, 17, 48])
def test_prf_of_tls_1_0_as_openssl_has_it(size: int) -> None:
    secret, seed, length = bytes(range(size)), bytes(64), 104
    command = [tool("openssl"), "kdf", "-keylen", str(length), "-kdfopt", "digest:MD5-SHA1", "-binary"]
    for option in (f"hexsecret:{secret.hex()}", "seed:key expansion", f"hexseed:{seed.hex()}"):
        command += ["-kdfopt", option]
    theirs = subprocess.run([*command, "TLS1-PRF"], capture_output=True, check=True, timeout=60).stdout
    assert prf(TLS10, "", secret, b"key expansion", seed, length) == theirs


@pytest.mark.parametrize("length", [1, 16, 104, 416])
def test_prf_of_ssl_3_as_tlslite_has_it(length: int) -> None:
    theirs = mathtls.PRF_SSL(bytearray(MASTER), bytearray(b"".join(RANDOMS)), length)
    assert prf(SSL3, "", MASTER, b"", b"".join(RANDOMS), length) == theirs


def seal_rc4(texts: list[bytes], *, size: int = 20) -> list[bytes]:
    """Records of TLS_RSA_WITH_RC4_128_SHA under TLS 1.2, from the client; ``size``: bytes of MAC."""
    block = prf(TLS12, "sha256", MASTER, b"key expansion", RANDOMS[1] + RANDOMS[0], 72)
    encrypt = Cipher(ARC4(block[40:56]), None).encryptor().update
    sealed = []
    for sequence, text in enumerate(texts):
        header = sequence.to_bytes(8, "big") + b"\x17\3\3" + len(text).to_bytes(2, "big")
        sealed.append(encrypt(text + hmac.digest(block[:20], header + text, "sha1")[:size]))
    return sealed


def client_cipher(number: int, *, truncated_mac: bool = False, compression: int = 0) -> RecordCipher:
    suite = suites.lookup(TLS12, number)
    assert suite is not None
    return connection_ciphers(
        TLS12,
        suite,
        MASTER,
        RANDOMS,
        encrypt_then_mac=False,
        truncated_mac=truncated_mac,
        compression=compression,
    )[0]


def test_the_mac_may_be_truncated() -> None:
    cipher = client_cipher(0x0005, truncated_mac=True)
    assert [cipher.open(APPLICATION, b"\3\3", each) for each in seal_rc4([b"one", b"two"], size=10)] == [
        b"one",
        b"two",
    ]


@given(st.lists(st.binary(max_size=60), max_size=4))
def test_what_does_not_open_costs_a_stream_cipher_nothing(junk: list[bytes]) -> None:
    cipher = client_cipher(0x0005)
    for number, record in enumerate(seal_rc4([b"one", b"two", b"three"])):
        assert [cipher.open(APPLICATION, b"\3\3", each) for each in junk] == [None] * len(junk)
        assert cipher.open(APPLICATION, b"\3\3", record) == [b"one", b"two", b"three"][number]


def compressed(texts: list[bytes]) -> list[bytes]:
    stream = zlib.compressobj()
    return [stream.compress(text) + stream.flush(zlib.Z_SYNC_FLUSH) for text in texts]


def test_compression_is_one_stream_over_all_records() -> None:
    texts = [b"GET / HTTP/1.1", b"", b"GET / HTTP/1.1 again", bytes(16384)]
    cipher = client_cipher(0x0005, compression=1)
    sealed = seal_rc4(compressed(texts))
    assert [cipher.open(APPLICATION, b"\3\3", each) for each in sealed] == texts


@pytest.mark.parametrize("text", [bytes(1 << 24), bytes(16385)])
def test_a_record_that_inflates_without_end_does_not_open(text: bytes) -> None:
    cipher = client_cipher(0x0005, compression=1)
    assert cipher.open(APPLICATION, b"\3\3", seal_rc4(compressed([text]))[0]) is None


@pytest.mark.parametrize("version", [SSL3, TLS10, 0x0302, TLS12])
@given(data=st.data())
def test_no_suite_takes_junk_for_a_record(version: int, data: st.DataObject) -> None:
    number = data.draw(st.sampled_from(sorted(NAMES)))
    suite = suites.lookup(version, number)
    if suite is None:
        return
    ciphers = connection_ciphers(
        version,
        suite,
        MASTER,
        RANDOMS,
        encrypt_then_mac=data.draw(st.booleans()),
        truncated_mac=data.draw(st.booleans()),
        compression=data.draw(st.sampled_from([0, 1])),
    )
    junk = data.draw(st.lists(st.binary(max_size=80) | st.integers(0, 20).map(lambda n: bytes(16 * n))))
    for cipher in ciphers:
        assert [cipher.open(APPLICATION, b"\3\3", each) for each in junk] == [None] * len(junk)
        assert cipher.sequence == 0


@given(st.sampled_from([0x1301, 0x1302, 0x1303, 0x1304, 0x1305, 0x00C6]), st.lists(st.binary(max_size=80)))
def test_no_suite_of_tls_1_3_takes_junk_for_a_record(number: int, junk: list[bytes]) -> None:
    suite = suites.lookup(TLS13, number)
    assert suite is not None
    cipher = Aead13(suite, bytes(32))
    assert [cipher.open(APPLICATION, b"\3\3", each) for each in junk] == [None] * len(junk)
    assert cipher.sequence == 0
