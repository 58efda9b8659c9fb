"""Keys from secrets, and the opening of single records.

TLS 1.3: RFC 8446 sections 5.2, 5.3, 7.1, 7.2, 7.3. TLS 1.2: RFC 5246 sections 5, 6.2.3, 6.3, 8.1;
AES-GCM RFC 5288, ChaCha20-Poly1305 RFC 7905, encrypt-then-MAC RFC 7366.

A cipher's ``open`` gives the plain text of one record, or None where the record does not authenticate.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

if TYPE_CHECKING:
    from plainwire.tls.suites import Suite

_HASHES: dict[str, hashes.HashAlgorithm] = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384()}
_TAG = 16
_EXPLICIT_NONCE = 8
_BLOCK = 16


class RecordCipher(Protocol):
    """Opens the records of one direction, in order."""

    def open(self, kind: int, version: bytes, body: bytes | memoryview) -> bytes | None:
        """Decrypt and authenticate one record; only success moves the sequence number on."""


class Aead13:
    """TLS 1.3, and (see ``open``) the inner plain text of RFC 8446 section 5.2 is left as it is.

    ``decrypt``, ``iv`` and ``sequence`` are public for the fast path in ``session``.
    """

    __slots__ = ("decrypt", "iv", "sequence")

    def __init__(self, suite: Suite, secret: bytes) -> None:
        self.decrypt = _aead(suite, expand_label(suite, secret, b"key", suite.key)).decrypt
        self.iv = int.from_bytes(expand_label(suite, secret, b"iv", 12), "big")
        self.sequence = 0

    def open(self, kind: int, version: bytes, body: bytes | memoryview) -> bytes | None:
        """See ``RecordCipher``."""
        header = bytes((kind,)) + version + len(body).to_bytes(2, "big")
        try:
            text = self.decrypt((self.iv ^ self.sequence).to_bytes(12, "big"), body, header)
        except InvalidTag:
            return None
        self.sequence += 1
        return text


class Aead12:
    """TLS 1.2 with AES-GCM (explicit nonce) or ChaCha20-Poly1305 (none)."""

    __slots__ = ("_decrypt", "_explicit", "_iv", "_sequence")

    def __init__(self, suite: Suite, key: bytes, iv: bytes) -> None:
        self._decrypt = _aead(suite, key).decrypt
        self._explicit = suite.kind == "gcm"
        self._iv = iv
        self._sequence = 0

    def open(self, kind: int, version: bytes, body: bytes | memoryview) -> bytes | None:
        """See ``RecordCipher``."""
        skip = _EXPLICIT_NONCE if self._explicit else 0
        size = len(body) - skip - _TAG
        if size < 0:
            return None
        if self._explicit:
            nonce = self._iv + bytes(body[:_EXPLICIT_NONCE])
        else:
            nonce = (int.from_bytes(self._iv, "big") ^ self._sequence).to_bytes(12, "big")
        extra = self._sequence.to_bytes(8, "big") + bytes((kind,)) + version + size.to_bytes(2, "big")
        try:
            text = self._decrypt(nonce, body[skip:], extra)
        except InvalidTag:
            return None
        self._sequence += 1
        return text


class Cbc12:
    """TLS 1.2 with AES-CBC: MAC then encrypt, or encrypt then MAC."""

    __slots__ = ("_encrypt_then_mac", "_key", "_mac", "_mac_key", "_sequence")

    def __init__(self, suite: Suite, key: bytes, mac_key: bytes, *, encrypt_then_mac: bool) -> None:
        self._key = algorithms.AES(key)
        self._mac = suite.mac
        self._mac_key = mac_key
        self._encrypt_then_mac = encrypt_then_mac
        self._sequence = 0

    def open(self, kind: int, version: bytes, body: bytes | memoryview) -> bytes | None:
        """See ``RecordCipher``."""
        data = bytes(body)
        size = hashlib.new(self._mac).digest_size
        if self._encrypt_then_mac:
            data, mac = data[:-size], data[-size:]
            if not self._authentic(kind, version, data, mac):
                return None
            text = self._decrypt(data)
            if text is None:
                return None
        else:
            padded = self._decrypt(data)
            if padded is None or len(padded) < size:
                return None
            text, mac = padded[:-size], padded[-size:]
            if not self._authentic(kind, version, text, mac):
                return None
        self._sequence += 1
        return text

    def _authentic(self, kind: int, version: bytes, data: bytes, mac: bytes) -> bool:
        header = self._sequence.to_bytes(8, "big") + bytes((kind,)) + version + len(data).to_bytes(2, "big")
        return hmac.compare_digest(hmac.digest(self._mac_key, header + data, self._mac), mac)

    def _decrypt(self, data: bytes) -> bytes | None:
        """Without the explicit IV and the padding."""
        if len(data) < 2 * _BLOCK or len(data) % _BLOCK:
            return None
        decryptor = Cipher(self._key, modes.CBC(data[:_BLOCK])).decryptor()
        padded = decryptor.update(data[_BLOCK:]) + decryptor.finalize()
        padding = padded[-1] + 1
        if padding > len(padded) or padded[-padding:] != bytes((padding - 1,)) * padding:
            return None
        return padded[:-padding]


def _aead(suite: Suite, key: bytes) -> AESGCM | ChaCha20Poly1305:
    return AESGCM(key) if suite.kind == "gcm" else ChaCha20Poly1305(key)


def expand_label(suite: Suite, secret: bytes, label: bytes, length: int) -> bytes:
    """HKDF-Expand-Label with an empty context (RFC 8446 section 7.1)."""
    full = b"tls13 " + label
    info = length.to_bytes(2, "big") + bytes((len(full),)) + full + b"\0"
    return HKDFExpand(_HASHES[suite.prf], length, info).derive(secret)


def next_secret(suite: Suite, secret: bytes) -> bytes:
    """The traffic secret after a KeyUpdate (RFC 8446 section 7.2)."""
    return expand_label(suite, secret, b"traffic upd", len(secret))


def prf(algorithm: str, secret: bytes, label: bytes, seed: bytes, length: int) -> bytes:
    """The pseudorandom function of TLS 1.2 (RFC 5246 section 5)."""
    seed = label + seed
    output, link = b"", seed
    while len(output) < length:
        link = hmac.digest(secret, link, algorithm)
        output += hmac.digest(secret, link + seed, algorithm)
    return output[:length]


def connection_ciphers(
    version: int,  # noqa: ARG001 - SSL 3.0 to TLS 1.1 differ
    suite: Suite,
    master_secret: bytes,
    randoms: tuple[bytes, bytes],
    *,
    encrypt_then_mac: bool,
    truncated_mac: bool = False,  # noqa: ARG001
    compression: int = 0,  # noqa: ARG001
) -> tuple[RecordCipher, RecordCipher]:
    """The ciphers of client and server from the master secret (RFC 5246 section 6.3)."""
    client_random, server_random = randoms
    mac = hashlib.new(suite.mac).digest_size if suite.mac else 0
    iv = {"gcm": 4, "chacha20": 12, "cbc": 0}[suite.kind]
    sizes = (mac, mac, suite.key, suite.key, iv, iv)
    block = prf(suite.prf, master_secret, b"key expansion", server_random + client_random, sum(sizes))
    parts = []
    for size in sizes:
        parts.append(block[:size])
        block = block[size:]
    if suite.kind == "cbc":
        return (
            Cbc12(suite, parts[2], parts[0], encrypt_then_mac=encrypt_then_mac),
            Cbc12(suite, parts[3], parts[1], encrypt_then_mac=encrypt_then_mac),
        )
    return Aead12(suite, parts[2], parts[4]), Aead12(suite, parts[3], parts[5])
