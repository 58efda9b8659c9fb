"""Header blocks of HTTP/2 without secrets: the same bytes, with other strings in the same places.

A mark is as long as its value, plain and in the Huffman code (``marks``). So every string keeps its length,
every index its meaning, and the dynamic table its size: nothing has to be encoded anew. RFC 7541 section 6.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from plainwire.http import huffman
from plainwire.http.header_coding import BrokenBlockError, integer
from plainwire.http.hpack import DEFAULT_TABLE, OVERHEAD, STATIC

if TYPE_CHECKING:
    from plainwire.share.hiding import Hider

_UNKNOWN = ""


class HpackText:
    """Rewrites the blocks of one direction, in their order."""

    def __init__(self, hider: Hider) -> None:
        self._hider = hider
        self._table: deque[tuple[str, str]] = deque()  # the newest first
        self._size = 0
        self._limit = DEFAULT_TABLE
        self.fields: list[tuple[str, str]] = []
        """Of the last block."""

    def rewrite(self, block: bytes) -> bytes:
        """The block with marks; nothing but zeros where it breaks the RFC: no string in it can be found."""
        self.fields = []
        try:
            return self._rewritten(block)
        except (BrokenBlockError, IndexError):
            return bytes(len(block))

    def _rewritten(self, block: bytes) -> bytes:
        made, at = bytearray(block), 0
        while at < len(block):
            byte = block[at]
            if byte >= 0x80:
                index, at = integer(block, at, 0x7F)
                self.fields.append(self._entry(index))
            elif byte & 0xE0 == 0x20:
                self._limit, at = integer(block, at, 0x1F)
                self._evict()
            else:
                at = self._literal(block, at, made)
        return bytes(made)

    def _literal(self, block: bytes, at: int, made: bytearray) -> int:
        indexing = block[at] & 0xC0 == 0x40
        index, at = integer(block, at, 0x3F if indexing else 0x0F)
        if index:
            name = self._entry(index)[0]
        else:
            text, at, _ = string(block, at, 0x7F)
            name = text.decode("latin-1")
        value, end, coded = string(block, at, 0x7F)
        hidden = field(name, value, self._hider)
        shown = huffman.encode(hidden) if coded else hidden
        made[end - len(shown) : end] = shown
        known = name, value.decode("latin-1")
        self.fields.append(known)
        if indexing:
            self._table.appendleft(known)
            self._size += _size(known)
            self._evict()
        return end

    def _entry(self, index: int) -> tuple[str, str]:
        if index < len(STATIC):
            return STATIC[index]
        place = index - len(STATIC)
        return self._table[place] if place < len(self._table) else (_UNKNOWN, "")

    def _evict(self) -> None:
        while self._size > self._limit and self._table:
            self._size -= _size(self._table.pop())


def _size(entry: tuple[str, str]) -> int:
    """RFC 7541 section 4.1."""
    return len(entry[0]) + len(entry[1]) + OVERHEAD


def string(block: bytes, at: int, mask: int) -> tuple[bytes, int, bool]:
    """A string, where it ends, and whether it is in the Huffman code."""
    coded = bool(block[at] & (mask + 1))
    length, at = integer(block, at, mask)
    piece = block[at : at + length]
    if len(piece) < length:
        raise IndexError
    if not coded:
        return piece, at + length, False
    plain = huffman.decode(piece)
    if plain is None:
        message = "a string is not in the Huffman code (RFC 7541 section 5.2)"
        raise BrokenBlockError(message)
    return plain, at + length, True


def field(name: str, value: bytes, hider: Hider) -> bytes:
    """The value of a field without secrets; all of it is hidden where the name is not known."""
    if name == _UNKNOWN:
        return hider.whole(value)
    return hider.target(value) if name == ":path" else hider.field(name, value)
