"""Lines that the program, or what is inside of it, appends to files: taken as they come, and erased there.

A file of which everything was taken is not cut short: the program may append at any moment, and a line must
be neither lost nor torn. What was taken is overwritten, and its room given back; the file goes on behind it.
"""

from __future__ import annotations

import os

from plainwire.recorder import erasing

_PIECE = 1 << 20
_MOST_AT_ONCE = 16 << 20
"""Bytes that are taken of a file at one look: whoever writes more is read the next time."""
LONGEST_LINE = 16_384


class Tail:
    """One such file, by a descriptor of ours that is not for appending. ``erases``: it is ours to blank."""

    def __init__(self, descriptor: int, start: int = 0, *, erases: bool = True) -> None:
        self._descriptor, self._erases = descriptor, erases
        self._at = self._blanked = start

    def take(self) -> list[bytes]:
        """The whole lines that have come since it was last asked; none that are too long."""
        size = os.fstat(self._descriptor).st_size
        if size < self._at:  # somebody cut it short
            self._at = self._blanked = 0
        lines: list[bytes] = []
        limit = min(size, self._at + _MOST_AT_ONCE)
        while self._at < limit:
            piece = os.pread(self._descriptor, min(_PIECE, limit - self._at), self._at)
            whole = piece.rfind(b"\n") + 1
            if whole == 0 and len(piece) < LONGEST_LINE:
                break
            whole = whole or len(piece)
            self._at += whole
            lines += [line for line in piece[:whole].split(b"\n") if 0 < len(line) < LONGEST_LINE]
        return lines

    def blank(self) -> None:
        """Erase what was taken."""
        if self._erases and self._blanked < self._at:
            erasing.blank(self._descriptor, self._blanked, self._at)
            erasing.give_back(self._descriptor, self._blanked, self._at)
            self._blanked = self._at

    def close(self) -> None:
        """Erase, and let go of the file."""
        self.blank()
        os.close(self._descriptor)


def reopened(descriptor: int) -> int:
    """Another descriptor of an open file, to be read and written anywhere, not for appending."""
    return os.open(f"/proc/self/fd/{descriptor}", os.O_RDWR | os.O_CLOEXEC)
