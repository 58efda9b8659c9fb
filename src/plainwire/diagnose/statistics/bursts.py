"""Whether failures come in bursts: then each burst is one event, and counting its members misleads."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from plainwire.arrays import np

from .exact import binomial_greater

if TYPE_CHECKING:
    from collections.abc import Sequence

_EXACT = 40
"""Failures or successes up to which the distribution of runs is summed, not approximated."""
_CLOSE = 0.25
"""Failures that follow each other within this share of their mean distance are close."""
_SUSPECT = 0.2
"""The tests are weak where failures are few, and an undetected burst would mislead: so little is enough."""


def episodes(places: Sequence[int], total: int) -> list[int]:
    """Return those of ``places``, the positions of failures among ``total``, that begin an episode.

    All of them where the failures do not come in bursts. Else those that follow another one closely are left
    out: what strikes once and lasts is one event, however many it hits.
    """
    ordered = sorted(places)
    if len(ordered) < 2:
        return ordered
    near = _CLOSE * total / len(ordered)
    close = [after - before <= near for before, after in pairwise(ordered)]
    outcomes = np.zeros(total, dtype=bool)
    outcomes[ordered] = True
    share = 1 - math.exp(-_CLOSE)
    gathered = binomial_greater(sum(close), len(close), share)
    if min(gathered, runs_test(outcomes.tolist())) >= _SUSPECT:
        return ordered
    return [ordered[0], *(place for place, follows in zip(ordered[1:], close, strict=True) if not follows)]


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
