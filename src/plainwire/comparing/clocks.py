"""How far the clocks of two captures are apart, by what passed both places.

What goes to the server passes the place near the client first: far minus near is the clocks' difference and
the time on the way, so that the difference is no more than the least of these. What comes back gives the
other bound. Half the distance of the bounds is what it can be wrong by (RFC 5905 section 8 reasons alike).
"""

from __future__ import annotations

from msgspec import Struct

_ONE_PLACE_NS = 100_000
"""Nearer than this, two places on one host cannot be told apart by time (chosen)."""


class Clocks(Struct, frozen=True):
    """The far clock less the near one, ns, from ``low_ns`` to ``high_ns``; by how many things that passed."""

    low_ns: int
    high_ns: int
    count: int

    @property
    def ahead_ns(self) -> int:
        """The middle."""
        return (self.low_ns + self.high_ns) // 2

    @property
    def error_ns(self) -> int:
        """What the middle can be wrong by."""
        return abs(self.high_ns - self.low_ns) // 2


def is_reversed(there: list[int], back: list[int]) -> bool:
    """Whether the second capture is nearer to the client. Both lists: second time less first, ns."""
    if not there or not back:
        return False
    return sorted(back)[len(back) // 2] - sorted(there)[len(there) // 2] > _ONE_PLACE_NS


def aligned(there: list[int], back: list[int]) -> Clocks | None:
    """The clocks, by the differences (far less near, ns) of what went there and of what came back."""
    if not there and not back:
        return None
    high = min(there) if there else max(back)
    low = max(back) if back else min(there)
    return Clocks(min(low, high), max(low, high), len(there) + len(back))
