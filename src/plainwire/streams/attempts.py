"""Attempts to connect without success: the first ones are told in full, the others are counted.

A flood of SYNs has one for every packet, and what there is to learn of them, some thousands show as well.
"""

from __future__ import annotations

from collections import Counter

MOST_KEPT = 10_000
"""Attempts that become connections of the report."""

MOST_OF_OTHERS = 10_000
"""Attempts beyond that, at most ``_FEW`` at a server that has none yet."""

_FEW = 10
_MOST_SERVERS = 20_000


class FailedAttempts:
    """``counted`` are those that are not kept: by the number of the server's endpoint, and by whether it
    refused them; -1 stands for further servers, where there are very many.
    """

    def __init__(self) -> None:
        self.counted: Counter[tuple[int, bool]] = Counter()
        self._kept: Counter[int] = Counter()
        self._total = 0

    @property
    def total(self) -> int:
        """How many are told in full."""
        return self._total

    def keep(self, server: int, *, refused: bool) -> bool:
        """Whether one more is to be told in full; else it is counted."""
        few = self._total < MOST_KEPT + MOST_OF_OTHERS and self._kept[server] < _FEW
        if self._total < MOST_KEPT or few:
            self._total += 1
            self._kept[server] += 1
            return True
        known = (server, refused) in self.counted or len(self.counted) < _MOST_SERVERS
        self.counted[server if known else -1, refused] += 1
        return False
