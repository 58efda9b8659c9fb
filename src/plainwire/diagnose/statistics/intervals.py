"""Intervals of a rate that was seen ``k`` times in ``n``, each for its purpose (Brown, Cai, DasGupta 2001).

Wilson's to be shown, Clopper and Pearson's where a guarantee is claimed.
"""

from __future__ import annotations

import math

from .special import beta_quantile

Interval = tuple[float, float]


def wilson(k: int, n: int, confidence: float = 0.95) -> Interval:
    """Wilson's score interval; (0, 1) where nothing was tried."""
    if n <= 0:
        return 0.0, 1.0
    from statistics import NormalDist  # noqa: PLC0415 - takes long to load, and few ask

    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, weight = k / n, z * z / n
    middle = (share + weight / 2) / (1 + weight)
    half = z * math.sqrt(share * (1 - share) / n + weight / (4 * n)) / (1 + weight)
    return (0.0 if k == 0 else max(0.0, middle - half)), (1.0 if k == n else min(1.0, middle + half))


def clopper_pearson(k: int, n: int, confidence: float = 0.95) -> Interval:
    """The interval that covers the true rate at least as often as it says."""
    tail = (1 - confidence) / 2
    low = 0.0 if k <= 0 else beta_quantile(tail, k, n - k + 1)
    high = 1.0 if k >= n else beta_quantile(1 - tail, k + 1, n - k)
    return low, high


def lower_bound(k: int, n: int, confidence: float = 0.95) -> float:
    """A rate that the true one exceeds (Clopper and Pearson, one-sided)."""
    return 0.0 if k <= 0 else beta_quantile(1 - confidence, k, n - k + 1)


def upper_bound(k: int, n: int, confidence: float = 0.95) -> float:
    """A rate that the true one stays below (Clopper and Pearson, one-sided); 1 where nothing was tried."""
    return 1.0 if k >= n else beta_quantile(confidence, k + 1, n - k)
