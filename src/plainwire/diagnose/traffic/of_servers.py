"""A fact about each server, out of all of its connections; found out when somebody asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from plainwire.model import Endpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from plainwire.model import Connection

_Fact = TypeVar("_Fact")


class OfServers(dict[Endpoint, _Fact], Generic[_Fact]):
    """By server; of one that is asked for a second time it is known."""

    def __init__(
        self,
        connections: Mapping[Endpoint, Sequence[Connection]],
        found: Callable[[Sequence[Connection]], _Fact],
    ) -> None:
        """``connections``: by server. ``found``: the fact, out of a server's connections."""
        super().__init__()
        self._connections = connections
        self._found = found

    def __missing__(self, server: Endpoint) -> _Fact:
        fact = self[server] = self._found(self._connections.get(server, ()))
        return fact
