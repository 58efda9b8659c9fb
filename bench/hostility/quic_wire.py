"""A QUIC connection with HTTP/3 on it, as datagrams that can be opened (RFC 9000, 9001, 9114)."""

from __future__ import annotations

import functools
import hashlib
import hmac
import struct
from typing import TYPE_CHECKING, NamedTuple

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from hostility.tls import KEY_RANDOM, KEY_SECRET, client_hello, message, server_hello
from hostility.wire import datagram

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SALT = bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a")  # RFC 9001 section 5.2
_INITIAL, _HANDSHAKE = 0xC3, 0xE3  # with packet numbers of four bytes
_SHORT = 0x43
_ROOM = 1150
_SMALLEST = 1200
_H3 = b"\0\x10\0\5\0\3\2h3"
_VERSIONS = b"\0\x2b\0\3\2\3\4"


def expanded(secret: bytes, label: bytes, size: int) -> bytes:
    """HKDF-Expand-Label (RFC 8446 section 7.1)."""
    info = struct.pack("!HB", size, len(label) + 6) + b"tls13 " + label + b"\0"
    return HKDFExpand(hashes.SHA256(), size, info).derive(secret)


def integer(value: int) -> bytes:
    """A variable-length integer (RFC 9000 section 16)."""
    for power, size in enumerate((1, 2, 4, 8)):
        if value < 1 << (8 * size - 2):
            return (value | power << (8 * size - 2)).to_bytes(size)
    message = "too large"
    raise ValueError(message)


def stream(number: int, data: bytes, *, fin: bool = False, offset: int = 0) -> bytes:
    """A STREAM frame with its length (RFC 9000 section 19.8)."""
    at = integer(offset) if offset else b""
    kind = 0x0A | fin | (4 if offset else 0)
    return bytes((kind,)) + integer(number) + at + integer(len(data)) + data


def reset(number: int, size: int = 0) -> bytes:
    """RESET_STREAM with H3_REQUEST_CANCELLED (RFC 9000 section 19.4)."""
    return b"\4" + integer(number) + integer(0x10C) + integer(size)


def stop(number: int) -> bytes:
    """STOP_SENDING with the same (RFC 9000 section 19.5)."""
    return b"\5" + integer(number) + integer(0x10C)


def crypto(data: bytes) -> bytes:
    """A CRYPTO frame from the beginning (RFC 9000 section 19.6)."""
    return b"\6\0" + integer(len(data)) + data


class _Keys(NamedTuple):
    seal: AESGCM
    iv: int
    mask: AES


def _keys(secret: bytes) -> _Keys:
    iv = int.from_bytes(expanded(secret, b"quic iv", 12))
    return _Keys(AESGCM(expanded(secret, b"quic key", 16)), iv, AES(expanded(secret, b"quic hp", 16)))


@functools.cache
def _traffic() -> _Keys:
    """Of both sides, after the Initial packets: the key log names one secret for all."""
    return _keys(KEY_SECRET)


class Quic:
    """One connection: each method gives datagrams as IP packets."""

    def __init__(self, port: int = 40_000, ident: bytes = b"ident678") -> None:
        self.port = port
        self._ids = ident, ident[::-1]  # that the server and the client receive with
        self._next = [0, 0]

    def _sealed(self, side: int, first: int, keys: _Keys, payload: bytes) -> bytes:
        number = self._next[side]
        self._next[side] += 1
        target, source = self._ids[side], self._ids[1 - side]
        if first == _SHORT:
            head = bytes((first,)) + target
        else:
            head = struct.pack("!BIB", first, 1, len(target)) + target + bytes((len(source),)) + source
            head += (b"\0" if first == _INITIAL else b"") + struct.pack("!H", 0x4000 | len(payload) + 20)
        at = len(head)
        head += struct.pack("!I", number)
        body = keys.seal.encrypt((keys.iv ^ number).to_bytes(12), payload, head)
        encryptor = Cipher(keys.mask, modes.ECB()).encryptor()
        mask = encryptor.update(body[:16])
        low = 0x1F if first == _SHORT else 0x0F
        hidden = bytes(a ^ b for a, b in zip(head[at:], mask[1:5], strict=True))
        return bytes((head[0] ^ mask[0] & low,)) + head[1:at] + hidden + body

    def _sent(self, side: int, data: bytes) -> bytes:
        return datagram(data, port=self.port, server_port=443, from_server=bool(side))

    def opened(self) -> Iterator[bytes]:
        """The handshake, as far as it says what is spoken."""
        initial = hmac.digest(SALT, self._ids[0], hashlib.sha256)
        client, server = (_keys(expanded(initial, label, 32)) for label in (b"client in", b"server in"))
        hello = crypto(client_hello(KEY_RANDOM, extensions=_VERSIONS + _H3))
        yield self._sent(0, self._sealed(0, _INITIAL, client, hello.ljust(_SMALLEST, b"\0")))
        self._ids = self._ids[0], self._ids[1]
        answer = self._sealed(1, _INITIAL, server, crypto(server_hello()))
        extensions = message(8, struct.pack("!H", len(_H3)) + _H3)
        yield self._sent(1, answer + self._sealed(1, _HANDSHAKE, _traffic(), crypto(extensions)))
        yield self.packet(0, stream(2, b"\0\4\0"))
        yield self.packet(1, stream(3, b"\0\4\0"))

    def packet(self, side: int, frames: bytes) -> bytes:
        """One datagram with one packet of frames."""
        return self._sent(side, self._sealed(side, _SHORT, _traffic(), frames.ljust(4, b"\0")))

    def said(self, side: int, frames: Iterable[bytes]) -> Iterator[bytes]:
        """Frames of one side, as many in a packet as there is room for."""
        held: list[bytes] = []
        size = 0
        for frame in frames:
            if size + len(frame) > _ROOM and held:
                yield self.packet(side, b"".join(held))
                held, size = [], 0
            held.append(frame)
            size += len(frame)
        if held:
            yield self.packet(side, b"".join(held))
