"""Rules of family E: what HTTP says, on exchanges that are complete."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .verdict import Scene, Verdict
    from .world import World

FAILED_RULES: tuple[Callable[[Scene], Verdict | None], ...] = ()
"""For exchanges that failed."""

WHOLE_RULES: tuple[Callable[[World, Sequence[Verdict]], list[Verdict]], ...] = ()
"""For what shows only in many exchanges: each gets all connections and the verdicts so far."""
