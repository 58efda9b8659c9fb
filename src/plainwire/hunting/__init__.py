"""Joins many runs: a program is run again and again, and what its failures have in common is told.

Above ``recording``, which makes one case; of each run a row is kept (``runs``), and rows are all that the
conclusion needs.
"""

from .conclusion import Conclusion, conclude, exit_status
from .earlier import compare, is_hunt
from .loop import FAIL_ON, Hunt, Plan, hunt
from .runs import Run, load

__all__ = [
    "FAIL_ON",
    "Conclusion",
    "Hunt",
    "Plan",
    "Run",
    "compare",
    "conclude",
    "exit_status",
    "hunt",
    "is_hunt",
    "load",
]
