"""Rules of family E: what HTTP says, on exchanges that are complete."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from plainwire.model import Exchange

    from .verdict import Verdict
    from .world import World

WHOLE_RULES: tuple[Callable[[World, Sequence[Verdict]], list[Verdict]], ...] = ()
"""For what shows only in many exchanges: each gets all connections and the verdicts so far."""


def noteworthy(exchange: Exchange) -> bool:
    """Whether a complete exchange may be worth a look: cheap, as it is asked of every exchange."""
    del exchange
    return False
