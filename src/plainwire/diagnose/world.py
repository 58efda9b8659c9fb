"""What all connections together say: the background against which one of them is judged."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from . import multiplexed
from .clock import idle_timeouts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.model import Connection, Endpoint

    from .clock import IdleTimeout


class World:
    """Everything is made on first use: where nothing failed nothing is asked."""

    def __init__(self, connections: Sequence[Connection]) -> None:
        self.connections = connections

    @cached_property
    def by_server(self) -> dict[Endpoint, list[Connection]]:
        """The connections of each server address, in order of their first packets."""
        found: dict[Endpoint, list[Connection]] = {}
        for connection in self.connections:
            found.setdefault(connection.server, []).append(connection)
        return found

    @cached_property
    def idle_timeouts(self) -> dict[Endpoint, IdleTimeout]:
        """The idle timeouts of servers, from the closes of connections with one exchange at a time."""
        return idle_timeouts(
            c for c in self.connections if not any(map(multiplexed.shares_connection, c.exchanges))
        )
