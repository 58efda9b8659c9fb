"""Variable-length integers: RFC 9000 section 16."""

from __future__ import annotations


def varint(data: bytes, at: int) -> tuple[int, int]:
    """The integer at ``at``, and the offset after it.

    Raises:
        IndexError: the bytes end inside it.

    """
    first = data[at]
    size = 1 << (first >> 6)
    if size == 1:
        return first, at + 1
    end = at + size
    if end > len(data):
        raise IndexError
    return int.from_bytes(data[at:end], "big") & ((1 << (8 * size - 2)) - 1), end
