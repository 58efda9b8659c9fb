"""How old requests were when a server reset their streams: a time limit ends all of them at one age."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from plainwire.model import Side

if TYPE_CHECKING:
    from collections.abc import Iterable

    from plainwire.model import Connection

_MOST_COMPARED = 200
"""Connections of a server, and exchanges of each of them, that are looked at."""


class Ages(NamedTuple):
    """How many exchanges, and the ages of the youngest and of the oldest one, in ns."""

    number: int
    shortest_ns: int
    longest_ns: int


_NONE = Ages(0, 0, 0)


class ResetAges:
    """The ages at which one server reset streams, by the name of the error code."""

    def __init__(self, connections: Iterable[Connection]) -> None:
        found: dict[str, list[int]] = {}
        for connection in islice(connections, _MOST_COMPARED):
            for exchange in islice(connection.exchanges, _MOST_COMPARED):
                reset, request = exchange.reset, exchange.request
                if request is not None and reset is not None and reset.side == Side.SERVER:
                    found.setdefault(reset.name, []).append(reset.time_ns - request.time_ns)
        self._ages = {name: Ages(len(ages), min(ages), max(ages)) for name, ages in found.items()}

    def __getitem__(self, name: str) -> Ages:
        """Those of the resets with this code, as far as was looked."""
        return self._ages.get(name, _NONE)
