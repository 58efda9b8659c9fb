"""How much decoding may take: a few bytes of a coded body may stand for any number of bytes.

What honest contents decode to is in proportion to their size, so every coded byte earns ``CREDIT`` decoded
ones, however long the capture. What goes beyond that is taken from an allowance that each connection has, and
from one that all connections of a capture have together. The memory of decoders, most of all the windows that
they look back on, is shared in the same way; it is given back when a body is over.
"""

from __future__ import annotations

CREDIT = 32
"""Decoded bytes that a coded one may stand for, always. Text and JSON seldom reach half of it."""

MOST_DECODED = 512 << 20
"""Bytes that one connection may decode beyond its credit."""

MOST_DECODED_IN_ALL = 2 << 30
"""Bytes that all connections of a capture together may decode beyond their credit."""

MOST_HELD = 128 << 20
"""Bytes that decoders hold at a time, of all connections of a capture."""

MOST_KEPT = 256 << 20
"""Bytes of bodies that are kept of a capture, where they are asked for."""


class Allowance:
    """What may be decoded still. It never falls below 0: later contents still have their credit."""

    __slots__ = ("left",)

    def __init__(self, left: int) -> None:
        self.left = left

    def earn(self, coded: int) -> None:
        """So many coded bytes came."""
        self.left += CREDIT * coded

    def spend(self, decoded: int) -> bool:
        """So many bytes were decoded; False where that was too much."""
        enough = decoded <= self.left
        self.left = self.left - decoded if enough else 0
        return enough


class CaptureBudget:
    """What all connections of a capture share."""

    __slots__ = ("_bodies", "decoded", "room")

    def __init__(self, decoded: int = MOST_DECODED_IN_ALL, room: int = MOST_HELD) -> None:
        self.decoded = Allowance(decoded)
        self.room = room
        self._bodies = MOST_KEPT

    def keep(self, size: int) -> bool:
        """Keep so many bytes of a body; False where that is too much."""
        enough = size <= self._bodies
        self._bodies -= size if enough else 0
        return enough


class Budget:
    """What one connection may still decode."""

    __slots__ = ("_own", "capture")

    def __init__(self, capture: CaptureBudget | None = None, most: int = MOST_DECODED) -> None:
        self.capture = capture or CaptureBudget()
        self._own = Allowance(most)

    def earn(self, coded: int) -> None:
        """So many coded bytes came."""
        self._own.earn(coded)
        self.capture.decoded.earn(coded)

    def spend(self, decoded: int) -> bool:
        """So many bytes were decoded; False where the connection, or the capture, has no more."""
        return self._own.spend(decoded) and self.capture.decoded.spend(decoded)

    def hold(self, size: int) -> bool:
        """Let a decoder hold so many bytes more; False where no room is left."""
        if size > self.capture.room:
            return False
        self.capture.room -= size
        return True

    def release(self, size: int) -> None:
        """Take back what a decoder held."""
        self.capture.room += size
