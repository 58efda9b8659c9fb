"""The pseudorandom functions of SSL 3.0 to TLS 1.2, which expand secrets."""

from __future__ import annotations

import hashlib
import hmac

_SSL3, _TLS12 = 0x0300, 0x0303
_MOST_SSL3 = 26 * 16  # as many letters as there are


def prf(version: int, algorithm: str, secret: bytes, label: bytes, seed: bytes, length: int) -> bytes:
    """The PRF of a version; ``algorithm`` matters in TLS 1.2 only (RFC 5246 section 5)."""
    if version == _SSL3:
        return _ssl3(secret, seed, length)
    if version == _TLS12:
        return _p_hash(algorithm, secret, label + seed, length)
    half = (len(secret) + 1) // 2  # RFC 2246 section 5
    md5 = _p_hash("md5", secret[:half], label + seed, length)
    sha1 = _p_hash("sha1", secret[len(secret) - half :], label + seed, length)
    return bytes(left ^ right for left, right in zip(md5, sha1, strict=True))


def _p_hash(algorithm: str, secret: bytes, seed: bytes, length: int) -> bytes:
    output, link = b"", seed
    while len(output) < length:
        link = hmac.digest(secret, link, algorithm)
        output += hmac.digest(secret, link + seed, algorithm)
    return output[:length]


def _ssl3(secret: bytes, seed: bytes, length: int) -> bytes:
    """RFC 6101 section 6.1: MD5 over SHA-1, told apart by "A", "BB", "CCC" ..."""
    output = b""
    for count in range(1, min(length, _MOST_SSL3) // 16 + 2):
        inner = hashlib.sha1(bytes((64 + count,)) * count + secret + seed)  # noqa: S324 - the protocol's choice
        output += hashlib.md5(secret + inner.digest()).digest()  # noqa: S324
    return output[:length]
