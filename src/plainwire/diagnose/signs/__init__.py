"""What on the wire could be trouble, whatever any rule makes of it.

Nothing here accuses. A sign that is harmless for a reason that the traffic itself shows carries that reason;
``ledger`` finds the finding that accounts for each of the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import calls, handshakes, messages, streams, transport
from .background import Background

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from plainwire.model import Connection, Sign


def _none(_connections: Sequence[Connection]) -> frozenset[int]:
    return frozenset()


def collect(
    connections: Sequence[Connection], spare: Callable[[Sequence[Connection]], frozenset[int]] = _none
) -> list[Sign]:
    """All signs, connection by connection. ``spare``: as in ``Background``.

    Pure: reads no clock, file or environment. Costs little where connections are healthy.
    """
    background = Background(connections, spare)
    return [sign for connection in connections for sign in _of(connection, background)]


def _of(connection: Connection, background: Background) -> Iterator[Sign]:
    yield from transport.signs(connection, background)
    yield from handshakes.signs(connection, background)
    yield from messages.signs(connection, background)
    yield from streams.signs(connection, background)
    yield from calls.signs(connection)
