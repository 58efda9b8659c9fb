"""Medians: the module of the standard library takes longer to load than many a capture to read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection


def median(values: Collection[int]) -> float:
    """The middle one; of an even number the mean of the two in the middle."""
    ordered = sorted(values)
    place = len(ordered) // 2
    return ordered[place] if len(ordered) % 2 else (ordered[place - 1] + ordered[place]) / 2


def median_low(values: Collection[int]) -> int:
    """The middle one; of an even number the lower of the two in the middle."""
    return sorted(values)[(len(values) - 1) // 2]
