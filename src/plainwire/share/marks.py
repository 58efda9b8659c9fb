"""What stands in the place of a secret: as long as it, and the same for the same secret.

A mark is as long as its value in bytes and in the Huffman code of HPACK, so that it takes the same room in
every version of HTTP. It begins with a pseudonym of up to ``_PSEUDONYM`` characters, which a key makes that
exists only while the bundle is made: nobody can try values against it. The rest is filling.

Huffman codes have 5 to 30 bits. Characters of more than 8 bits are rare: each becomes another one of its
length, and all of these stand at the end. The others become letters and digits whose codes have as many bits
in sum: ``n`` of them with ``b`` bits are characters of ``b // n`` bits and of one more.
"""

from __future__ import annotations

import hmac
import itertools
import string
from typing import TYPE_CHECKING

from plainwire.http.huffman import SYMBOL_BITS

if TYPE_CHECKING:
    from collections.abc import Iterator

_PSEUDONYM = 10
_USUAL_BITS = 8
_PLAIN = (string.ascii_letters + string.digits).encode()
_FILLING = {5: ord("o"), 6: ord("u"), 7: ord("x"), 8: ord("X")}
_OF_BITS: dict[int, bytes] = {
    bits: bytes(
        byte
        for byte in range(33, 256)
        if SYMBOL_BITS[byte] == bits and (byte in _PLAIN or bits > _USUAL_BITS)
    )
    for bits in set(SYMBOL_BITS)
}
"""Characters to choose from, by the length of their codes."""


class Marker:
    """Makes the marks of one bundle. ``key``: random bytes that nobody keeps."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def __repr__(self) -> str:
        return "<Marker>"

    def mark(self, value: bytes) -> bytes:
        """The mark of a value: letters and digits, but where the value has signs that are rarely used."""
        if not value:
            return b""
        for attempt in itertools.count():
            made = self._made(value, attempt)
            if made != value or attempt > _PSEUDONYM:
                return made
        raise AssertionError

    def body(self, value: bytes) -> bytes:
        """The mark of contents, of which only the length in bytes matters."""
        name = f"body-{self._digits(b'body' + value).hex()[:_PSEUDONYM]}-".encode()
        return (name + b"x" * len(value))[: len(value)]

    def _made(self, value: bytes, attempt: int) -> bytes:
        digits = self._chance(attempt.to_bytes(2, "big") + value)
        usual = [SYMBOL_BITS[byte] for byte in value if SYMBOL_BITS[byte] <= _USUAL_BITS]
        rare = sorted(SYMBOL_BITS[byte] for byte in value if SYMBOL_BITS[byte] > _USUAL_BITS)
        made = bytearray()
        if usual:
            low, more = divmod(sum(usual), len(usual))
            for place in range(len(usual)):
                longer = (place + 1) * more // len(usual) > place * more // len(usual)
                bits = low + longer
                choice = _OF_BITS[bits]
                made.append(choice[next(digits) % len(choice)] if place < _PSEUDONYM else _FILLING[bits])
        for bits in rare:
            choice = _OF_BITS[bits]
            made.append(choice[next(digits) % len(choice)] if choice else ord("?"))
        return bytes(made)

    def _digits(self, value: bytes) -> bytes:
        return hmac.digest(self._key, value, "sha256")

    def _chance(self, value: bytes) -> Iterator[int]:
        """Numbers from 0 to 65535 without end."""
        seed = self._digits(value)
        for count in itertools.count():
            block = hmac.digest(seed, count.to_bytes(4, "big"), "sha256")
            for at in range(0, len(block), 2):
                yield block[at] << 8 | block[at + 1]
