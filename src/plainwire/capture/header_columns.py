"""Columns from the headers of many packets at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.arrays import np

if TYPE_CHECKING:
    from plainwire.model import Int64s, UInt8s


def gather(data: bytes, at: Int64s, size: int) -> UInt8s:
    """``size`` bytes at each of ``at``, as rows."""
    column: UInt8s = np.frombuffer(data, dtype=np.uint8)
    rows: UInt8s = column[at[:, None] + np.arange(size, dtype=np.int64)]
    return rows


def words(data: bytes, at: Int64s, count: int, order: str) -> Int64s:
    """``count`` unsigned 32-bit words at each of ``at``, as rows."""
    return gather(data, at, 4 * count).view(order + "u4").astype(np.int64)


def aligned_words(data: bytes, at: Int64s, number: int, order: str) -> Int64s:
    """The unsigned 32-bit word with this number at each of ``at``, which are multiples of four."""
    column = np.frombuffer(data, dtype=order + "u4", count=len(data) // 4)
    found: Int64s = column.take((at >> 2) + number).astype(np.int64)
    return found
