"""Rules of family D: the TLS handshake, and what breaks TLS later."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from plainwire.model import Connection

    from .verdict import Scene, Verdict
    from .world import World

CONNECTION_RULES: tuple[Callable[[Connection, World], Verdict | None], ...] = ()
"""For connections that came to no request, in the order in which they are tried."""

FAILED_RULES: tuple[Callable[[Scene], Verdict | None], ...] = ()
"""For exchanges that failed."""

WHOLE_RULES: tuple[Callable[[World, Sequence[Verdict]], list[Verdict]], ...] = ()
"""For what shows only in many exchanges: each gets all connections and the verdicts so far."""


def late_alert(scene: Scene) -> Verdict | None:
    """A verdict where an alert about the handshake came only when the request had left."""
    del scene
    return None
