"""Whether failures come in bursts: then each burst is one event, and counting its members misleads."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

_EXACT = 40
"""Failures or successes up to which the distribution of runs is summed, not approximated."""


def runs_test(outcomes: Sequence[bool]) -> float:
    """Wald and Wolfowitz: the probability of as few runs of like outcomes by chance (one-sided).

    Small where failures follow each other more often than they should.
    """
    values = np.asarray(outcomes, dtype=bool)
    failures = int(values.sum())
    successes = len(values) - failures
    if not failures or not successes:
        return 1.0
    runs = 1 + int(np.count_nonzero(values[1:] != values[:-1]))
    if min(failures, successes) <= _EXACT:
        every = _choose(failures + successes, failures)
        return min(1.0, math.fsum(_ways(r, failures, successes) / every for r in range(2, runs + 1)))
    both = 2.0 * failures * successes
    total = failures + successes
    mean = both / total + 1
    variance = both * (both - total) / (total * total * (total - 1))
    return 0.5 * math.erfc((mean - runs - 0.5) / math.sqrt(2 * variance))


def _ways(runs: int, failures: int, successes: int) -> int:
    half, odd = divmod(runs, 2)
    if not odd:
        return 2 * _choose(failures - 1, half - 1) * _choose(successes - 1, half - 1)
    more, less = half, half - 1
    return _choose(failures - 1, more) * _choose(successes - 1, less) + _choose(failures - 1, less) * _choose(
        successes - 1, more
    )


def _choose(n: int, k: int) -> int:
    return math.comb(n, k) if 0 <= k <= n else 0
