"""Integers and strings of HPACK and QPACK (RFC 7541 section 5, RFC 9204 section 4.1).

Running out of bytes raises ``IndexError``, invalid bytes ``BrokenBlockError``. Both are for the decoders
only, which return a value instead.
"""

from __future__ import annotations

from plainwire.http import huffman

_MOST_OCTETS = 9  # of an integer: QPACK's may have 62 bits
_MOST_CACHED = 4096
_LONGEST_CACHED = 256


class BrokenBlockError(Exception):
    """The bytes break the RFC."""


def integer(data: bytes, at: int, mask: int) -> tuple[int, int]:
    """The integer that begins in the bits ``mask`` of the byte at ``at``, and the offset after it."""
    value = data[at] & mask
    at += 1
    if value < mask:
        return value, at
    for shift in range(0, 7 * _MOST_OCTETS, 7):
        byte = data[at]
        at += 1
        value += (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    message = "an integer is too long (RFC 7541 section 5.1)"
    raise BrokenBlockError(message)


class Strings:
    """Reads strings; a Huffman-coded string seen before costs one look-up."""

    def __init__(self) -> None:
        self._known: dict[bytes, str] = {}

    def read(self, data: bytes, at: int, mask: int = 0x7F) -> tuple[str, int]:
        """The string whose length is in the bits ``mask``, with the Huffman flag in the bit above them."""
        coded = data[at] & (mask + 1)
        length, at = integer(data, at, mask)
        end = at + length
        if end > len(data):
            raise IndexError
        piece = data[at:end]
        if not coded:
            return piece.decode("latin-1"), end
        text = self._known.get(piece)
        return (self._learn(piece) if text is None else text), end

    def _learn(self, piece: bytes) -> str:
        plain = huffman.decode(piece)
        if plain is None:
            message = "a string is not in the Huffman code (RFC 7541 section 5.2)"
            raise BrokenBlockError(message)
        text = plain.decode("latin-1")
        if len(piece) <= _LONGEST_CACHED:
            if len(self._known) >= _MOST_CACHED:
                self._known.clear()
            self._known[piece] = text
        return text
