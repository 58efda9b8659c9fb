"""Keys from secrets, and decryption of single records, by version and suite.

TLS 1.3: RFC 8446 sections 5.2, 5.3, 7.1, 7.2, 7.3. AEADs of TLS 1.2: RFC 5246 section 6.2.3.3, AES-GCM
RFC 5288, AES-CCM RFC 6655, ChaCha20-Poly1305 RFC 7905, Camellia RFC 6367, ARIA RFC 6209.
The rest is in ``mac_records``.

A cipher's ``open`` gives the plain text of one record, or None where the record does not authenticate.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag

from plainwire import kernel
from plainwire.tls import algorithms
from plainwire.tls.mac_records import CbcCipher, Inflating, RecordMac, StreamCipher
from plainwire.tls.prf import prf

if TYPE_CHECKING:
    from plainwire._kernel import RecordRun, RecordRun12
    from plainwire.tls.record_cipher import RecordCipher
    from plainwire.tls.suites import Suite

_SSL3, _TLS10, _TLS12 = 0x0300, 0x0301, 0x0303
_MASTER_SIZE = 48
_EXPLICIT_NONCE = 8
_DEFLATE = 1


def _run(suite: Suite, key: bytes, iv: bytes) -> RecordRun | None:
    if kernel.compiled is None or (suite.kind, suite.cipher) != ("gcm", "AES"):
        return None
    made: RecordRun = kernel.compiled.RecordRun(key, iv)
    return made


def _run12(suite: Suite, key: bytes, salt: bytes) -> RecordRun12 | None:
    if kernel.compiled is None or (suite.kind, suite.cipher) != ("gcm", "AES"):
        return None
    made: RecordRun12 = kernel.compiled.RecordRun12(key, salt)
    return made


class Aead13:
    """TLS 1.3. ``open`` gives the whole TLSInnerPlaintext (RFC 8446 section 5.2), with type and padding.

    ``decrypt``, ``iv`` and ``sequence`` are public for the fast path in ``tls_direction``, as is ``run``,
    which opens many small records in one call, where the compiled kernel is.
    """

    __slots__ = ("decrypt", "iv", "run", "sequence")

    def __init__(self, suite: Suite, secret: bytes) -> None:
        key, iv = (
            expand_label(suite, secret, label, size) for label, size in ((b"key", suite.key), (b"iv", 12))
        )
        self.decrypt = algorithms.aead(suite.kind, suite.cipher, key)
        self.run = _run(suite, key, iv)
        self.iv = int.from_bytes(iv, "big")
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
    """TLS 1.2: GCM and CCM with an explicit nonce, ChaCha20-Poly1305 without. ``run`` as in ``Aead13``."""

    __slots__ = ("_decrypt", "_explicit", "_iv", "_overhead", "run", "sequence")

    def __init__(self, suite: Suite, key: bytes, iv: bytes) -> None:
        self._decrypt = algorithms.aead(suite.kind, suite.cipher, key)
        self._explicit = suite.kind != "chacha20"
        self._overhead = algorithms.tag_size(suite.kind) + (_EXPLICIT_NONCE if self._explicit else 0)
        self._iv = iv
        self.run = _run12(suite, key, iv)
        self.sequence = 0

    def open(self, kind: int, version: bytes, body: bytes | memoryview) -> bytes | None:
        """See ``RecordCipher``."""
        size = len(body) - self._overhead
        if size < 0:
            return None
        if self._explicit:
            nonce = self._iv + bytes(body[:_EXPLICIT_NONCE])
            body = body[_EXPLICIT_NONCE:]
        else:
            nonce = (int.from_bytes(self._iv, "big") ^ self.sequence).to_bytes(12, "big")
        extra = self.sequence.to_bytes(8, "big") + bytes((kind,)) + version + size.to_bytes(2, "big")
        try:
            text = self._decrypt(nonce, body, extra)
        except InvalidTag:
            return None
        self.sequence += 1
        return text


def expand_label(suite: Suite, secret: bytes, label: bytes, length: int) -> bytes:
    """HKDF-Expand-Label with an empty context (RFC 8446 section 7.1)."""
    return hkdf_expand(suite.prf, secret, _label_info(label, length), length)


@functools.cache
def _label_info(label: bytes, length: int) -> bytes:
    full = b"tls13 " + label
    return length.to_bytes(2, "big") + bytes((len(full),)) + full + b"\0"


def hkdf_expand(algorithm: str, secret: bytes, info: bytes, length: int) -> bytes:
    """HKDF-Expand (RFC 5869 section 2.3); ``algorithm`` is the hash's name."""
    output = block = hmac.digest(secret, info + b"\1", algorithm)
    if len(output) >= length:
        return output[:length]
    for count in range(2, 256):
        block = hmac.digest(secret, block + info + bytes((count,)), algorithm)
        output += block
        if len(output) >= length:
            break
    return output[:length]


def next_secret(suite: Suite, secret: bytes) -> bytes:
    """The traffic secret after a KeyUpdate (RFC 8446 section 7.2)."""
    return expand_label(suite, secret, b"traffic upd", len(secret))


def master_secret(
    version: int,
    suite: Suite,
    premaster: bytes,
    client_random: bytes,
    server_random: bytes,
    *,
    session_hash: bytes | None = None,
) -> bytes:
    """The master secret of SSL 3.0 to TLS 1.2 (RFC 5246 section 8.1, RFC 6101 section 6.1).

    ``session_hash`` (see ``transcript_hash``) is given where both hellos have the extended_master_secret
    extension: RFC 7627 section 4.
    """
    if session_hash is not None:
        return prf(version, suite.prf, premaster, b"extended master secret", session_hash, _MASTER_SIZE)
    seed = client_random + server_random
    return prf(version, suite.prf, premaster, b"master secret", seed, _MASTER_SIZE)


def transcript_hash(version: int, suite: Suite, messages: bytes) -> bytes:
    """The hash of handshake messages, from ClientHello to ClientKeyExchange (RFC 7627 section 3)."""
    if version == _TLS12:
        return hashlib.new(suite.prf, messages).digest()
    return hashlib.md5(messages).digest() + hashlib.sha1(messages).digest()  # noqa: S324


def connection_ciphers(
    version: int,
    suite: Suite,
    master_secret: bytes,
    randoms: tuple[bytes, bytes],
    *,
    encrypt_then_mac: bool,
    truncated_mac: bool = False,
    compression: int = 0,
) -> tuple[RecordCipher, RecordCipher]:
    """The ciphers of client and server from the master secret, SSL 3.0 to TLS 1.2 (RFC 5246 section 6.3).

    ``randoms``: the client's and the server's. ``compression``: 0 for none, 1 for DEFLATE (RFC 3749).
    """
    client, server = key_material(version, suite, master_secret, randoms)
    made = [
        _cipher(version, suite, *keys, encrypt_then_mac=encrypt_then_mac, truncated_mac=truncated_mac)
        for keys in (client, server)
    ]
    if compression == _DEFLATE:
        return Inflating(made[0]), Inflating(made[1])
    return made[0], made[1]


_Keys = tuple[bytes, bytes, bytes]


def key_material(
    version: int, suite: Suite, master: bytes, randoms: tuple[bytes, bytes]
) -> tuple[_Keys, _Keys]:
    """MAC key, key and initialization vector of each side."""
    client_random, server_random = randoms
    mac = hashlib.new(suite.mac).digest_size if suite.mac else 0
    key, iv = suite.export or suite.key, _iv_size(version, suite)
    seed = server_random + client_random
    block = prf(version, suite.prf, master, b"key expansion", seed, 2 * (mac + key + iv))
    parts = []
    for size in (mac, mac, key, key, iv, iv):
        parts.append(block[:size])
        block = block[size:]
    client, server = (parts[0], parts[2], parts[4]), (parts[1], parts[3], parts[5])
    if suite.export:
        return _exported(version, suite, client, server, randoms)
    return client, server


def _iv_size(version: int, suite: Suite) -> int:
    if suite.kind == "cbc":
        return algorithms.block_size(suite.cipher) if version <= _TLS10 else 0
    return {"gcm": 4, "ccm": 4, "ccm8": 4, "chacha20": 12}.get(suite.kind, 0)


def _exported(
    version: int, suite: Suite, client: _Keys, server: _Keys, randoms: tuple[bytes, bytes]
) -> tuple[_Keys, _Keys]:
    """The final keys of export suites: RFC 2246 section 6.3.1, RFC 6101 section 6.2.2."""
    client_random, server_random = randoms
    seed, size = client_random + server_random, len(client[2])
    if version == _SSL3:
        keys = _md5(client[1] + seed), _md5(server[1] + server_random + client_random)
        ivs = _md5(seed)[:size], _md5(server_random + client_random)[:size]
    else:
        keys = (
            prf(version, suite.prf, client[1], b"client write key", seed, suite.key),
            prf(version, suite.prf, server[1], b"server write key", seed, suite.key),
        )
        block = prf(version, suite.prf, b"", b"IV block", seed, 2 * size)
        ivs = block[:size], block[size:]
    return (client[0], keys[0][: suite.key], ivs[0]), (server[0], keys[1][: suite.key], ivs[1])


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data).digest()  # noqa: S324 - the protocol's choice


def _cipher(
    version: int,
    suite: Suite,
    mac_key: bytes,
    key: bytes,
    iv: bytes,
    *,
    encrypt_then_mac: bool,
    truncated_mac: bool,
) -> RecordCipher:
    if not suite.mac:
        return Aead12(suite, key, iv)
    mac = RecordMac(version, suite, mac_key, truncated=truncated_mac)
    if suite.kind == "cbc":
        return CbcCipher(version, suite, key, iv, mac, encrypt_then_mac=encrypt_then_mac)
    return StreamCipher(suite, key, mac)
