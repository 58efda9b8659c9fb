"""Encrypted Client Hello (RFC 9849): decrypts the inner ClientHello with lines of the key log.

A key log may have two lines under the outer client random (RFC 9850): ``ECH_SECRET``, the shared secret of
the key encapsulation, and ``ECH_CONFIG``, the configuration that the client used. The two give the HPKE
key (RFC 9180 section 5.1, mode_base), which decrypts the hello with the true server name.
"""

from __future__ import annotations

import hmac
import struct
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

from plainwire.tls.handshake_messages import ENCRYPTED_CLIENT_HELLO, parse_hello

if TYPE_CHECKING:
    from plainwire.tls.handshake_messages import Hello

_OUTER_EXTENSIONS = 0xFD00
_HASHES = {1: "sha256", 2: "sha384", 3: "sha512"}  # KDFs of RFC 9180 section 7.2
_AEADS: dict[int, tuple[type[AESGCM | ChaCha20Poly1305], int]] = {
    1: (AESGCM, 16),
    2: (AESGCM, 32),
    3: (ChaCha20Poly1305, 32),
}


def inner_hello(body: bytes, outer: Hello, secret: bytes, config: bytes) -> Hello | None:
    """Decrypt the inner ClientHello; ``body`` is the outer one as sent. None if it does not authenticate.

    Extensions that the inner hello copies from the outer one are in its ``extensions``.
    """
    sent = outer.extensions.get(ENCRYPTED_CLIENT_HELLO, b"")
    try:
        kdf, aead, enc_size = struct.unpack_from(">xHHxH", sent)
        (size,) = struct.unpack_from(">H", sent, 8 + enc_size)
        (kem,) = struct.unpack_from(">H", config, 5)
    except struct.error:
        return None
    payload = sent[10 + enc_size :]
    if sent[0] != 0 or len(payload) != size or kdf not in _HASHES or aead not in _AEADS or not payload:
        return None
    key, nonce = hpke_key(secret, b"tls ech\0" + config, kem, kdf, aead)
    extra = body.replace(payload, bytes(size))  # RFC 9849 section 5.2: the payload as zeros
    try:
        text = _AEADS[aead][0](key).decrypt(nonce, payload, extra)
    except InvalidTag:
        return None
    inner = parse_hello(text, client=True)
    if inner is not None:
        _take_over(inner, outer)
    return inner


def _take_over(inner: Hello, outer: Hello) -> None:
    """Replace ech_outer_extensions with the extensions that it names (RFC 9849 section 5.1)."""
    named = inner.extensions.pop(_OUTER_EXTENSIONS, b"\0")[1:]
    for (kind,) in struct.iter_unpack(">H", named[: len(named) // 2 * 2]):
        if kind in outer.extensions:
            inner.extensions.setdefault(kind, outer.extensions[kind])


def hpke_key(secret: bytes, info: bytes, kem: int, kdf: int, aead: int) -> tuple[bytes, bytes]:
    """Key and base nonce of RFC 9180 section 5.1, without a pre-shared key."""
    algorithm = _HASHES[kdf]
    suite = b"HPKE" + struct.pack(">HHH", kem, kdf, aead)

    def extract(salt: bytes, label: bytes, material: bytes) -> bytes:
        return hmac.digest(salt or bytes(1), b"HPKE-v1" + suite + label + material, algorithm)

    def expand(pseudorandom: bytes, label: bytes, size: int) -> bytes:
        labelled = struct.pack(">H", size) + b"HPKE-v1" + suite + label + context
        return hmac.digest(pseudorandom, labelled + b"\1", algorithm)[:size]

    context = b"\0" + extract(b"", b"psk_id_hash", b"") + extract(b"", b"info_hash", info)
    pseudorandom = extract(secret, b"secret", b"")
    return expand(pseudorandom, b"key", _AEADS[aead][1]), expand(pseudorandom, b"base_nonce", 12)
