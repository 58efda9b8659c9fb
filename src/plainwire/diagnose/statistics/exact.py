"""Exact tests of a two by two table of counts.

``[[a, b], [c, d]]``: rows are failing and succeeding, columns with and without a property, or rows
are before and after, columns failed and not. All margins count as given (the hypergeometric distribution),
so that the answers hold for any number, however small. Never a chi-square approximation.
"""

from __future__ import annotations

import math


def fisher_greater(a: int, b: int, c: int, d: int) -> float:
    """Fisher's exact test, one-sided: the probability of ``a`` or more."""
    low, _, probabilities = _distribution(a, b, c, d)
    return min(1.0, math.fsum(probabilities[a - low :]))


def fisher_less(a: int, b: int, c: int, d: int) -> float:
    """Fisher's exact test, one-sided: the probability of ``a`` or less."""
    low, _, probabilities = _distribution(a, b, c, d)
    return min(1.0, math.fsum(probabilities[: a - low + 1]))


def binomial_greater(successes: int, trials: int, rate: float) -> float:
    """The probability of ``successes`` or more in ``trials`` at a known ``rate``."""
    if successes <= 0:
        return 1.0
    if rate <= 0.0 or rate >= 1.0:
        return float(rate >= 1.0)
    terms = (_log_choose(trials, i) + i * math.log(rate) + (trials - i) * math.log1p(-rate)
             for i in range(successes, trials + 1))  # fmt: skip
    return min(1.0, math.fsum(map(math.exp, terms)))


def poisson_tail(count: int, mean: float) -> float:
    """The two-sided probability of a count as far from ``mean`` as ``count`` (twice the nearer tail)."""
    if mean <= 0:
        return 1.0 if count == 0 else 0.0
    below = math.fsum(_poisson(i, mean) for i in range(count + 1))
    above = 1 - below + _poisson(count, mean)
    return min(1.0, 2 * min(below, above))


def _poisson(count: int, mean: float) -> float:
    return math.exp(count * math.log(mean) - mean - math.lgamma(count + 1))


def _distribution(a: int, b: int, c: int, d: int) -> tuple[int, int, list[float]]:
    """The range of ``a`` that the margins leave, and the probability of each.

    Raises:
        ValueError: a count is negative.

    """
    if min(a, b, c, d) < 0:
        message = "counts cannot be negative"
        raise ValueError(message)
    row, column, total = a + b, a + c, a + b + c + d
    low, high = max(0, row + column - total), min(row, column)
    every = _log_choose(total, row)
    probabilities = [
        math.exp(_log_choose(column, i) + _log_choose(total - column, row - i) - every)
        for i in range(low, high + 1)
    ]
    return low, high, probabilities


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
