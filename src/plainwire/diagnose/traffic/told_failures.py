"""When a program told of its failures, as far as this decides whether its library hid them."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Sequence


class ToldFailures(Struct, frozen=True):
    """Of one process: when it told of an error, and when it wrote that it would try again (ns, in order).

    ``untimed``: errors of which it is not known when it told them.
    """

    errors: Sequence[int] = ()
    trying_again: Sequence[int] = ()
    untimed: int = 0

    def tells(self, from_ns: int, to_ns: int) -> bool:
        """Whether it told of an error then, without a word of another attempt."""
        if _any(self.trying_again, from_ns, to_ns):
            return False
        return self.untimed > 0 or _any(self.errors, from_ns, to_ns)


def _any(times: Sequence[int], from_ns: int, to_ns: int) -> bool:
    place = bisect_left(times, from_ns)
    return place < len(times) and times[place] <= to_ns
