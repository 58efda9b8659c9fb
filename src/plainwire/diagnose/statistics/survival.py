"""How long things last, when some were still going on when last seen (Kaplan and Meier 1958).

An idle connection ends its idleness by the server's close, which is what is asked for, or by a request or
the client's close, after which nobody knows how much longer it would have lasted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.arrays import np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class Survival(Struct, frozen=True):
    """The estimated survival function: ``left[i]`` is the share that outlasts ``times[i]``."""

    times: NDArray[np.int64]
    left: NDArray[np.float64]

    def after(self, time: float) -> float:
        """The share that lasts longer than ``time``."""
        place = int(np.searchsorted(self.times, time, side="right"))
        return 1.0 if place == 0 else float(self.left[place - 1])

    def ends_within(self, low: float, high: float) -> float:
        """Of what lasts until ``low``, the share that ends from ``low`` to ``high``, both included."""
        place = int(np.searchsorted(self.times, low, side="left"))
        before = 1.0 if place == 0 else float(self.left[place - 1])
        return 0.0 if before <= 0 else 1.0 - self.after(high) / before


def kaplan_meier(ended: Sequence[int], unfinished: Sequence[int]) -> Survival:
    """From durations that were seen to end, and those that were cut short. Ends come before cuts in a tie."""
    deaths = np.sort(np.asarray(ended, dtype=np.int64))
    every = np.sort(np.concatenate((deaths, np.asarray(unfinished, dtype=np.int64))))
    times, counts = np.unique(deaths, return_counts=True)
    at_risk = len(every) - np.searchsorted(every, times, side="left")
    left = np.cumprod(1.0 - counts / np.maximum(at_risk, 1))
    return Survival(times, left.astype(np.float64))
