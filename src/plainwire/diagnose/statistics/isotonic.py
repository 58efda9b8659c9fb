"""A limit that is never seen itself: of each trial only on which side of it the trial was.

A translator that forgets idle connections says nothing when it does; a request then finds the connection
alive or dead. Such current status data give the distribution of the limit by isotonic regression of dead on
idle time (Turnbull 1976; Barlow and others 1972).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.arrays import np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def rising(values: Sequence[float], weights: Sequence[float] | None = None) -> NDArray[np.float64]:
    """The least-squares fit that never falls, by pooling adjacent violators."""
    blocks: list[tuple[float, float, int]] = []  # mean, weight, length
    for place, value in enumerate(values):
        block = (float(value), 1.0 if weights is None else float(weights[place]), 1)
        while blocks and blocks[-1][0] >= block[0]:
            mean, weight, length = blocks.pop()
            both = weight + block[1]
            block = ((mean * weight + block[0] * block[1]) / both, both, length + block[2])
        blocks.append(block)
    return np.repeat([b[0] for b in blocks], [b[2] for b in blocks]).astype(np.float64)


class Limit(Struct, frozen=True):
    """``low`` is the longest time after which more than half still lived, ``high`` the shortest after which
    they did not. ``clean``: no trial contradicts a fixed limit between the two.
    """

    low: int
    high: int
    clean: bool


def limit(alive: Sequence[int], dead: Sequence[int]) -> Limit | None:
    """Where between the living and the dead the limit lies; None without both, or without an order."""
    if not alive or not dead:
        return None
    longest, shortest = max(alive), min(dead)
    if longest < shortest:
        return Limit(longest, shortest, clean=True)
    times = np.concatenate((np.asarray(alive, dtype=np.int64), np.asarray(dead, dtype=np.int64)))
    outcome = np.repeat([0.0, 1.0], [len(alive), len(dead)])
    order = np.lexsort((-outcome, times))  # in a tie the dead first: the fit pools them
    times, share = times[order], rising(outcome[order].tolist())
    above = np.flatnonzero(share > 0.5)
    if not len(above) or above[0] == 0:
        return None
    return Limit(int(times[above[0] - 1]), int(times[above[0]]), clean=False)
