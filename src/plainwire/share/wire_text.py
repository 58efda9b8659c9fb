"""One side of a pair of byte streams, and what is to stand in its place.

``made`` is as long as ``data`` and begins as nothing but marks: what is to stay is put there by whoever knows
that it is harmless. So what nobody understood is hidden.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from plainwire.model import Gap, Side

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.http.http1 import Locator
    from plainwire.model import Text

_FILLING = b"x"


class WireText:
    """See the module. ``pieces``: what there is of it, in order, at offsets that count from 0."""

    def __init__(self, side: Side, pieces: Sequence[Text | Gap]) -> None:
        self.side = side
        self.pieces = pieces
        end = 0
        for piece in pieces:
            end = piece.offset + piece.length if isinstance(piece, Gap) else piece[1] + len(piece[0])
        joined = bytearray(end)
        for piece in pieces:
            if not isinstance(piece, Gap):
                joined[piece[1] : piece[1] + len(piece[0])] = piece[0]
        self.data = bytes(joined)
        self.made = bytearray(_FILLING * end)

    @property
    def whole_until(self) -> int:
        """Up to where nothing is missing."""
        return next((piece.offset for piece in self.pieces if isinstance(piece, Gap)), len(self.data))

    def keep(self, start: int, end: int) -> None:
        """These bytes may stay."""
        self.made[start:end] = self.data[start:end]

    def put(self, start: int, text: bytes) -> None:
        """Put other bytes in the place of as many."""
        self.made[start : start + len(text)] = text


class InnerPlaces:
    """The way from the offsets of what a stream carries to packets, by way of the stream's own offsets."""

    def __init__(self, outer: Locator, starts: list[int], outer_starts: list[int]) -> None:
        self._outer = outer
        self._starts = starts
        self._outer_starts = outer_starts

    def locate(self, offsets: list[int]) -> tuple[list[int], list[int]]:
        """See ``Locator``."""
        return self._outer.locate([self._carrier(offset) for offset in offsets])

    def begins(self, offset: int) -> bool:
        """See ``Locator``: what a record begins with."""
        return offset in self._starts

    def _carrier(self, offset: int) -> int:
        at = bisect_right(self._starts, offset) - 1
        return self._outer_starts[max(at, 0)] if self._outer_starts else 0
