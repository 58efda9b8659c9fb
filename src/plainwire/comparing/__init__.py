"""Two captures held against each other: one traffic at two places, or what works against what fails.

``matching`` tells which connections and exchanges of both are the same, ``clocks`` how far their clocks are
apart, ``places`` what that decides; ``differences`` is for captures that have nothing in common.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from . import differences, matching, places

if TYPE_CHECKING:
    from plainwire.model import Report

    from .differences import Differences
    from .places import TwoPlaces

__all__ = ["Compared", "compare"]


class Compared(Struct):
    """``places`` where both captures have the same traffic, ``differences`` else."""

    places: TwoPlaces | None = None
    differences: Differences | None = None

    @property
    def fails(self) -> bool:
        """Whether there is a failure in it."""
        if self.places is not None:
            return bool(self.places.decided)
        return self.differences is not None and self.differences.failing != "neither"


def compare(one: Report, other: Report) -> Compared:
    """Hold two reports against each other."""
    matched = matching.match(one, other)
    if matched is not None:
        return Compared(places=places.judge(matched))
    return Compared(differences=differences.between(one, other))
