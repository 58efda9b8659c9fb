"""What rules about packets that met with nothing have in common."""

from __future__ import annotations

FEWEST_UNANSWERED = 3
"""Sendings of one segment: the first, and two that timers made (RFC 6298 section 5)."""

MOST_CITED = 5
