"""Premaster secrets from every source: key log lines, servers' private keys, pre-shared keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plainwire.tls.keylog import KeyLog
    from plainwire.tls.suites import Suite

_SSL3 = 0x0300


def candidates(
    keys: KeyLog,
    suite: Suite,
    version: int,
    client_version: int,
    client_random: bytes,
    key_exchange: bytes,
    certificate_der: bytes | None,
) -> list[bytes]:
    """The possible premaster secrets of a connection, the likeliest first; the records decide which is right.

    ``key_exchange`` is the body of the ClientKeyExchange, ``client_version`` the version that the ClientHello
    offers, ``certificate_der`` the server's own certificate where it was seen.
    """
    encrypted = _encrypted_premaster(suite, version, key_exchange)
    found = keys.premasters(client_random, encrypted)
    opened = None
    if encrypted and keys.has_private_keys:
        opened = keys.private_keys.premaster(encrypted, client_version, certificate_der)
    if suite.exchange == "RSA" and opened:
        found.append(opened)
    elif suite.exchange == "PSK":
        found += [with_psk(psk) for psk in keys.psks]
    elif suite.exchange == "RSA_PSK" and opened:
        found += [with_psk(psk, opened) for psk in keys.psks]
    return found


def with_psk(psk: bytes, other: bytes | None = None) -> bytes:
    """RFC 4279 section 2: of the key alone, or (section 4) with ``other``, which RSA has carried."""
    other = bytes(len(psk)) if other is None else other
    return len(other).to_bytes(2, "big") + other + len(psk).to_bytes(2, "big") + psk


def _encrypted_premaster(suite: Suite, version: int, key_exchange: bytes) -> bytes:
    """The RSA-encrypted premaster secret; empty with another key exchange, or if it is cut."""
    if suite.exchange == "RSA":
        # SSL 3.0 has no length before it (RFC 6101 section 5.6.7.1); some send one all the same
        bare = version == _SSL3 and int.from_bytes(key_exchange[:2], "big") + 2 != len(key_exchange)
        return key_exchange if bare else _vector(key_exchange)
    if suite.exchange == "RSA_PSK":
        return _vector(key_exchange[2 + len(_vector(key_exchange)) :])
    return b""


def _vector(data: bytes) -> bytes:
    """The bytes after a two-byte length."""
    return data[2 : 2 + int.from_bytes(data[:2], "big")]
