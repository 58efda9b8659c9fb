"""Rules of family D: the TLS handshake, and what breaks TLS later."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from plainwire.model import Connection

    from .verdict import Verdict
    from .world import World

CONNECTION_RULES: tuple[Callable[[Connection, World], Verdict | None], ...] = ()
"""For connections that came to no request, in the order in which they are tried."""
