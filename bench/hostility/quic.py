"""QUIC: connections that nobody answers, and ids by the hundred thousand."""

from __future__ import annotations

import hashlib
import hmac
import struct
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES

from hostility.quic_wire import SALT, expanded
from hostility.tls import client_hello
from hostility.wire import datagram

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIZE = 1200
_NUMBER = 0


def initial(target: bytes, payload: bytes) -> bytes:
    """A client's Initial packet of 1,200 bytes (RFC 9001 section 5)."""
    secret = expanded(hmac.digest(SALT, target, "sha256"), b"client in", 32)
    head = b"\xc0\0\0\0\1" + bytes((len(target),)) + target + b"\0\0"
    length = _SIZE - len(head) - 2
    head += struct.pack("!H", 0x4000 | length) + bytes((_NUMBER,))
    body = AESGCM(expanded(secret, b"quic key", 16)).encrypt(
        expanded(secret, b"quic iv", 12), payload.ljust(length - 1 - 16, b"\0"), head
    )
    mask = Cipher(AES(expanded(secret, b"quic hp", 16)), modes.ECB()).encryptor().update(body[3:19])
    return bytes((head[0] ^ mask[0] & 15,)) + head[1:-1] + bytes((head[-1] ^ mask[1],)) + body


def _crypto(random: bytes) -> bytes:
    hello = client_hello(random)
    return b"\6\0" + struct.pack("!H", 0x4000 | len(hello)) + hello


def initials(count: int) -> Iterator[bytes]:
    """Initial packets that open, each of another connection."""
    for number in range(count):
        random = hashlib.sha256(b"%d" % number).digest()
        yield datagram(initial(random[:8], _crypto(random)), port=1024 + number % 60_000, server_port=443)


def junk_initials(count: int) -> Iterator[bytes]:
    """The same with nothing behind the header that could be opened."""
    for number in range(count):
        head = b"\xc0\0\0\0\1\x08" + struct.pack("!Q", number) + b"\0\0\x44\x9e"
        yield datagram(head.ljust(_SIZE, b"z"), port=1024 + number % 60_000, server_port=443)


def ids_on_one_path(count: int) -> Iterator[bytes]:
    """The same between one pair of ports."""
    for number in range(count):
        head = b"\xc0\0\0\0\1\x08" + struct.pack("!Q", number) + b"\0\0\x44\x9e"
        yield datagram(head.ljust(_SIZE, b"z"), port=40_000, server_port=443)


def small_initials(count: int) -> Iterator[bytes]:
    """The same, too small for a client's first (RFC 9000 section 14.1)."""
    for number in range(count):
        head = b"\xc0\0\0\0\1\x08" + struct.pack("!Q", number) + b"\0\0\x1c" + b"z" * 28
        yield datagram(head, port=1024 + number % 60_000, server_port=443)


def unanswered_short(count: int) -> Iterator[bytes]:
    """One connection, and packets that nobody has the keys of."""
    yield datagram(initial(b"a" * 8, _crypto(b"r" * 32)), port=40_000, server_port=443)
    for number in range(count):
        yield datagram(b"\x40" + b"q" * 40, port=40_000, server_port=443, from_server=bool(number & 1))


def odd_versions(count: int) -> Iterator[bytes]:
    """Long headers, each of another version."""
    for number in range(count):
        head = b"\xc0" + struct.pack("!I", 0xFF000000 + number) + b"\x08" + struct.pack("!Q", number) + b"\0"
        yield datagram(head.ljust(60, b"z"), port=1024 + number % 60_000, server_port=443)


def crypto_in_pieces(count: int) -> Iterator[bytes]:
    """A ClientHello in pieces of one byte, each far from the next."""
    for number in range(count):
        pieces = b"".join(
            b"\6" + struct.pack("!I", 0x80000000 | (number * 200 + n) * 2) + b"\1a" for n in range(150)
        )
        yield datagram(initial(b"a" * 8, pieces), port=40_000, server_port=443)
