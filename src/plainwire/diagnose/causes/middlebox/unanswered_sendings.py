"""What the rules about unanswered packets have in common."""

from __future__ import annotations

FEWEST_UNANSWERED = 3
"""Transmissions of one segment: the first, and two that timers made (RFC 6298 section 5)."""

MOST_CITED = 5
