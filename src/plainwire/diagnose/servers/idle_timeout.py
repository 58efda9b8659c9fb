"""Whether a close may be an idle timer's, and the timeout in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose import wording

if TYPE_CHECKING:
    from plainwire.model import Bounds


SPREAD_NS = 20_000_000
"""How late a server's timer may fire: scheduling (chosen)."""

SPREAD_SHARE = 0.03
"""The same for long ones, which coarse timer wheels round."""


def fits(timeout: Bounds, idle_ns: int) -> bool:
    """Whether a close after ``idle_ns`` may be the same timer's."""
    slack = max(SPREAD_NS, int(timeout.high_ns * SPREAD_SHARE))
    return timeout.low_ns - slack <= idle_ns <= timeout.high_ns + slack


def timeout_words(timeout: Bounds) -> str:
    """The timeout in words, and how often it was seen."""
    low, high = wording.span(timeout.low_ns), wording.span(timeout.high_ns)
    first, last = (f"{limit / 1e9:.3f}" for limit in (timeout.low_ns, timeout.high_ns))
    if first == last:
        low = high  # "1000 ms to 1.000 s" tells nothing
    return f"{low if low == high else f'{low} to {high}'}, seen {plurals.times(timeout.count)}"
