"""Keeps the bodies of messages, where they are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plainwire.http.reading import Reading

MOST_KEPT = 64 << 20
"""Bytes of each body that are kept, decoded."""


class KeptBody:
    """The bytes of one body after another, within what all messages of a capture may keep."""

    __slots__ = ("_parts", "_reading", "_size")

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, part: bytes) -> None:
        """Keep more of the body, if bodies are kept and there is room."""
        reading = self._reading
        if not reading.keep_bodies or not part:
            return
        if self._size + len(part) <= MOST_KEPT and reading.budget.keep(len(part)):
            self._size += len(part)
            self._parts.append(part)

    def take(self) -> bytes | None:
        """The whole body; None if nothing was kept."""
        if not self._parts:
            return None
        whole = b"".join(self._parts)
        self._parts.clear()
        self._size = 0
        return whole
