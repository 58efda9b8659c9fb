"""Connections of HTTP/2 in the making, for rules about idleness."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plainwire.model import Connection
    from tests.diagnose.wire import Wire


def multiplexed(wire: Wire) -> Connection:
    """The connection with its exchanges as streams of HTTP/2."""
    for number, exchange in enumerate(wire.exchanges):
        exchange.protocol, exchange.stream = "h2", 2 * number + 1
    connection = wire.done()
    connection.application = "h2"
    return connection
