"""What became of the ClientHellos to one server: by their size, and by the segments that they left in."""

from __future__ import annotations

from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from plainwire.diagnose.evidence import opening
from plainwire.diagnose.evidence.client_hello import SMALL_HELLO, end_of_hello, pieces_of_hello

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from plainwire.diagnose.evidence.opening import Opening
    from plainwire.model import Connection

_MOST_MEASURED, _MOST_COUNTED = 50, 500
"""Connections of a server that are looked at."""


class Fates(NamedTuple):
    """How many ClientHellos were answered by a ServerHello, and how many were not."""

    answered: int
    failed: int


class ClientHellos:
    """Those of one server's connections. Each question looks once at them, whoever asks it how often."""

    def __init__(self, connections: Sequence[Connection]) -> None:
        self._connections = connections

    @cached_property
    def only_small(self) -> tuple[Connection, int] | None:
        """One with a small hello that was answered, and where that ends, if no large one was anywhere."""
        answered: tuple[Connection, int] | None = None
        for connection, begin in self._begun(_MOST_MEASURED):
            if not _is_answered(connection):
                continue
            end = end_of_hello(begin, connection)
            if end > SMALL_HELLO:
                return None
            answered = connection, end
        return answered

    @cached_property
    def by_pieces(self) -> tuple[Fates, Fates]:
        """Of those that left in one segment, and of those that left in several."""
        counts = [[0, 0], [0, 0]]
        for connection, begin in self._begun(_MOST_COUNTED):
            pieces = pieces_of_hello(begin, connection)
            if pieces:
                counts[pieces > 1][not _is_answered(connection)] += 1
        single, several = counts
        return Fates(*single), Fates(*several)

    def _begun(self, most: int) -> Iterator[tuple[Connection, Opening]]:
        for connection in islice(self._connections, most):
            begin = opening.of_handshake(connection) if connection.tls is not None else None
            if begin is not None and begin.client_data:
                yield connection, begin


def _is_answered(connection: Connection) -> bool:
    return connection.tls is not None and connection.tls.cipher_suite is not None
