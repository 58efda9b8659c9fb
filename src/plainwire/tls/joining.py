"""A session that is seen from its middle on: its secret, and how far its sender has counted.

TLS 1.3:

No hello says a client random, so that every secret that is known may be the one; nor a cipher suite; and each
record is sealed with a number that nobody sends (RFC 8446 section 5.3). With AES-GCM the number need not be
searched for. Its tag is GHASH(header, text) xor E(nonce, 1) (NIST SP 800-38D section 7.1): with the key one
can compute GHASH, take it away and decrypt what is left; that must be the nonce and the number 1. The nonce
is the number, xor what is derived from the secret. GHASH is had from the cipher itself: by sealing, under a
nonce of ours, the text that gives the same bytes. So one record decides, whatever its number, and a wrong
secret passes once in 2^80.

With ChaCha20-Poly1305 the first numbers are tried.

TLS 1.2: there a secret is of use with both hellos only. What is known here are keys of AES-GCM that were
found in the program's memory (``acquire.key_schedules``). A line of ours has for each side the key, the first
four bytes of its nonces, and what the eight that go with each record (RFC 5288 section 3) were in record 0:
senders count them up, so that a record says its number.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, NamedTuple

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from plainwire.tls import suites
from plainwire.tls.ciphers import Aead12, Aead13, expand_label
from plainwire.tls.handshake_messages import TLS13
from plainwire.tls.keylog import WRITE_KEYS
from plainwire.tls.tls13_keys import APPLICATION_SECRETS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.tls.keylog import KeyLog

SUITES = {48: (0x1302,), 32: (0x1301, 0x1303)}
"""The suites that a secret of so many bytes may be of. 48: AES-256 with SHA-384; 32: AES-128 and ChaCha20."""
BY_FREQUENCY = ((0x1302, 48), (0x1301, 32), (0x1303, 32))
"""The same, with what OpenSSL and Go choose between themselves first."""
TLS12 = 0x0303
SUITES_OF_TLS12 = {16: 0xC02F, 32: 0xC030}
"""A suite with a key of so many bytes, for that of a session whose hellos nobody saw."""
WRITE_NONCES = 12
"""Bytes that a line of ours has behind the key: of the nonces."""
_MOST_NUMBERS = 16  # that are tried for ChaCha20-Poly1305
_TAG, _NONCE = 16, bytes(12)
_MOST_NUMBER = 1 << 48  # 2^24.5 records is as many as a key of AES-GCM may seal (RFC 8446 section 5.5)


class JoinedRecord(NamedTuple):
    """What a record in the middle of a session was sealed with."""

    suite: int
    secret: bytes
    number: int
    client_random: bytes
    version: int = TLS13

    def __repr__(self) -> str:
        return f"<record {self.number} of a session that was joined>"


def find(keys: KeyLog, kind: int, version: bytes, body: bytes, random: bytes) -> JoinedRecord | None:
    """Which secret a record was sealed with, of all that are known; where ``random`` is, of those."""
    header = bytes((kind,)) + version + len(body).to_bytes(2, "big")
    for of, secret in _secrets(keys, random):
        if keys.joins_left <= 0:
            return None
        keys.joins_left -= 1
        for suite in SUITES.get(len(secret), ()):
            number = Candidate(suite, secret).number_of(header, body)
            if number is not None:
                return JoinedRecord(suite, secret, number, of)
    for of, secret in _secrets(keys, random, WRITE_KEYS):
        if keys.joins_left <= 0:
            return None
        keys.joins_left -= 1
        cipher = of_tls12(secret)
        number = (int.from_bytes(body[:8], "big") - int.from_bytes(secret[-8:], "big")) % (1 << 64)
        cipher.sequence = number
        if number < _MOST_NUMBER and cipher.open(kind, version, body) is not None:
            return JoinedRecord(SUITES_OF_TLS12[len(secret) - WRITE_NONCES], secret, number, of, TLS12)
    return None


def of_tls12(secret: bytes) -> Aead12:
    """The cipher of one side, from what a line of ours says: key, nonce's start, record 0's part of it."""
    suite = suites.lookup(TLS12, SUITES_OF_TLS12[len(secret) - WRITE_NONCES])
    assert suite is not None  # noqa: S101 - one of ``SUITES_OF_TLS12``
    return Aead12(suite, secret[:-WRITE_NONCES], secret[-WRITE_NONCES:-8])


def label_of(label: str, suite: int) -> str:
    """Under which label a found secret is written: ``label`` is that of TLS 1.3 for its side."""
    return WRITE_KEYS[APPLICATION_SECRETS.index(label)] if suite in SUITES_OF_TLS12.values() else label


def _secrets(
    keys: KeyLog, random: bytes, labels: tuple[str, str] = APPLICATION_SECRETS
) -> Iterator[tuple[bytes, bytes]]:
    for label in labels:
        for of in (random,) if random else keys.randoms(label):
            for secret in keys.secrets(label, of) if random or of not in keys.claimed else ():
                yield of, secret


class Candidate:
    """Bytes that may be the secret of a session. Many are tried: so nothing is derived twice."""

    __slots__ = ("_block", "_cipher", "_of_nothing", "_secret", "_suite")

    def __init__(self, suite: int, secret: bytes) -> None:
        found = suites.lookup(TLS13, suite)
        assert found is not None  # noqa: S101 - one of ``SUITES``
        self._suite, self._secret = found, secret
        self._cipher = None
        if found.kind == "gcm":
            key = _expanded(found.prf, secret, _KEYS[found.key])[: found.key]
            self._cipher = AESGCM(key)
            self._of_nothing = int.from_bytes(self._cipher.encrypt(_NONCE, b"", None), "big")  # GHASH is zero
            self._block = key

    def number_of(self, header: bytes, body: bytes) -> int | None:
        """The number of a record that was sealed with it; None where that was another."""
        if len(body) <= _TAG:
            return None
        if self._cipher is None:
            return self._by_trial(header, body)
        text = int.from_bytes(body[:-_TAG], "big")
        size = len(body) - _TAG
        stream = int.from_bytes(self._cipher.encrypt(_NONCE, bytes(size), None)[:size], "big")
        ours = self._cipher.encrypt(_NONCE, (text ^ stream).to_bytes(size, "big"), header)[size:]
        hidden = int.from_bytes(body[-_TAG:], "big") ^ int.from_bytes(ours, "big") ^ self._of_nothing
        opened = Cipher(algorithms.AES(self._block), modes.ECB()).decryptor()  # noqa: S305 - one block of GCM's
        nonce = opened.update(hidden.to_bytes(_TAG, "big"))
        if nonce[12:] != b"\0\0\0\1":
            return None
        number = int.from_bytes(nonce[:12], "big") ^ int.from_bytes(
            expand_label(self._suite, self._secret, b"iv", 12), "big"
        )
        return number if number < _MOST_NUMBER else None

    def _by_trial(self, header: bytes, body: bytes) -> int | None:
        cipher = Aead13(self._suite, self._secret)
        for number in range(_MOST_NUMBERS):
            cipher.sequence = number
            if cipher.open(header[0], header[1:3], body) is not None:
                return number
        return None


def _expanded(name: str, secret: bytes, label: bytes) -> bytes:
    """The first block of HKDF-Expand (RFC 5869 section 2.3)."""
    return hmac.digest(secret, label + b"\1", name)


def _label(size: int) -> bytes:
    """HkdfLabel of a key (RFC 8446 section 7.1)."""
    return size.to_bytes(2, "big") + b"\x09tls13 key\0"


_KEYS = {size: _label(size) for size in (16, 32)}
