"""How much decoding may cost: a few coded bytes may stand for any number of bytes.

Honest contents decode in proportion to their size, so every coded byte earns ``CREDIT`` decoded ones, however
long the capture is. Anything beyond that is taken from an allowance of the connection, and from one of the
whole capture. The memory of decoders, mainly their windows, is shared in the same way and returned at the end
of a body.
"""

from __future__ import annotations

CREDIT = 32
"""Decoded bytes that each coded byte may always stand for. Text and JSON seldom reach half of it."""

MOST_DECODED = 512 << 20
"""Bytes that one connection may decode beyond its credit."""

MOST_DECODED_IN_ALL = 2 << 30
"""Bytes that all connections of a capture together may decode beyond their credit."""

MOST_HELD = 128 << 20
"""Bytes that the decoders of all connections of a capture may use at a time."""

MOST_KEPT = 256 << 20
"""Bytes of bodies that are kept for a capture, where they are asked for."""


class Allowance:
    """What may still be decoded. It never falls below 0, so later contents still have their credit."""

    __slots__ = ("left", "refused")

    def __init__(self, left: int) -> None:
        self.left = left
        self.refused = False  # at least once

    def earn(self, coded: int) -> None:
        """So many coded bytes came."""
        self.left += CREDIT * coded

    def spend(self, decoded: int) -> bool:
        """So many bytes were decoded; False if that was too much."""
        enough = decoded <= self.left
        self.left = self.left - decoded if enough else 0
        self.refused = self.refused or not enough
        return enough


class CaptureBudget:
    """What all connections of a capture share."""

    __slots__ = ("_bodies", "decoded", "full", "room")

    def __init__(self, decoded: int = MOST_DECODED_IN_ALL, room: int = MOST_HELD) -> None:
        self.decoded = Allowance(decoded)
        self.room = room
        self.full = False  # it was, at least once
        self._bodies = MOST_KEPT

    @classmethod
    def part(cls, of: int) -> CaptureBudget:
        """One of so many equal parts of it."""
        return cls(MOST_DECODED_IN_ALL // of, MOST_HELD // of)

    @property
    def met(self) -> bool:
        """Whether anything was ever refused."""
        return self.full or self.decoded.refused

    def keep(self, size: int) -> bool:
        """Keep so many bytes of a body; False if that is too much."""
        enough = size <= self._bodies
        self._bodies -= size if enough else 0
        return enough


class Budget:
    """What one connection may still decode, and the capture's share of it."""

    __slots__ = ("_own", "capture")

    def __init__(self, capture: CaptureBudget | None = None, most: int = MOST_DECODED) -> None:
        self.capture = capture or CaptureBudget()
        self._own = Allowance(most)

    def earn(self, coded: int) -> None:
        """So many coded bytes came."""
        self._own.earn(coded)
        self.capture.decoded.earn(coded)

    def spend(self, decoded: int) -> bool:
        """So many bytes were decoded; False if the connection or the capture has no budget left."""
        return self._own.spend(decoded) and self.capture.decoded.spend(decoded)

    def hold(self, size: int) -> bool:
        """Let a decoder use so many more bytes; False if there is no room."""
        if size > self.capture.room:
            self.capture.full = True
            return False
        self.capture.room -= size
        return True

    def release(self, size: int) -> None:
        """Take back what a decoder held."""
        self.capture.room += size
