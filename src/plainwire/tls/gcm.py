"""Galois/Counter Mode over a block cipher for which ``cryptography`` has none (NIST SP 800-38D).

Slower than AES-GCM, which ``cryptography`` has; the suites that need this one (Camellia, ARIA) are rare.
"""

from __future__ import annotations

import hmac
import struct
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag

if TYPE_CHECKING:
    from collections.abc import Callable

_BLOCK = 16
_TAG = 16
_POLYNOMIAL = 0xE1 << 120


class Gcm:
    """GCM decryption. ``encrypt`` encrypts any number of 16-byte blocks, each by itself."""

    __slots__ = ("_encrypt", "_tables")

    def __init__(self, encrypt: Callable[[bytes], bytes]) -> None:
        self._encrypt = encrypt
        self._tables = _multiples(int.from_bytes(encrypt(bytes(_BLOCK)), "big"))

    def decrypt(self, nonce: bytes, data: bytes | memoryview, extra: bytes | memoryview) -> bytes:
        """Decrypt a text with its tag at the end; ``nonce`` has 12 bytes.

        Raises:
            InvalidTag: it is not authentic.

        """
        size = len(data) - _TAG
        if size < 0:
            raise InvalidTag
        text, tag = bytes(data[:size]), bytes(data[size:])
        counters = b"".join(nonce + struct.pack(">I", n) for n in range(1, 2 + -(-size // _BLOCK)))
        stream = self._encrypt(counters)
        if not hmac.compare_digest(_xor(self._hash(bytes(extra), text), stream[:_BLOCK]), tag):
            raise InvalidTag
        return _xor(text, stream[_BLOCK : _BLOCK + size])

    def _hash(self, extra: bytes, text: bytes) -> bytes:
        """GHASH, by a table of 256 multiples for each byte of the state."""
        padded = extra + bytes(-len(extra) % _BLOCK) + text + bytes(-len(text) % _BLOCK)
        padded += struct.pack(">QQ", 8 * len(extra), 8 * len(text))
        state = 0
        for at in range(0, len(padded), _BLOCK):
            state ^= int.from_bytes(padded[at : at + _BLOCK], "big")
            product = 0
            for table, byte in zip(self._tables, state.to_bytes(_BLOCK, "big"), strict=True):
                product ^= table[byte]
            state = product
        return state.to_bytes(_BLOCK, "big")


def _multiples(key: int) -> list[list[int]]:
    """For each of the 16 places of a byte in a block, the products of its 256 values with ``key``."""
    tables = []
    power = key  # key * x^n, n counted from the most significant bit
    for _ in range(_BLOCK):
        table = [0] * 256
        for bit in (128, 64, 32, 16, 8, 4, 2, 1):
            table[bit] = power
            power = (power >> 1) ^ (_POLYNOMIAL if power & 1 else 0)
        for bit in (2, 4, 8, 16, 32, 64, 128):
            for low in range(1, bit):
                table[bit | low] = table[bit] ^ table[low]
        tables.append(table)
    return tables


def _xor(left: bytes, right: bytes) -> bytes:
    return (int.from_bytes(left, "big") ^ int.from_bytes(right, "big")).to_bytes(len(left), "big")
