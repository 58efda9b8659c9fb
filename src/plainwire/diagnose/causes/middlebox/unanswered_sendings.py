"""What rules about packets that met with nothing have in common."""

from __future__ import annotations

FEWEST_SENDINGS = 3

MOST_CITED = 5
