"""Resets that the server itself does not know of: it goes on sending after them.

Something on the path forged such a reset. The capture then holds the whole response, and its exchange
looks complete, but the client's stack had dropped the connection when the response came.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from plainwire.model import Side

if TYPE_CHECKING:
    from plainwire.model import CloseEvent, Connection, Exchange, Response


def outlived_reset(connection: Connection) -> CloseEvent | None:
    """The first RST in the server's name that stands ahead of bytes which the server sent later."""
    for close in connection.closes:
        if close.kind == "rst" and close.side == Side.SERVER and close.seq < connection.sizes[Side.SERVER]:
            return close
    return None


def came_too_late(response: Response, reset: CloseEvent) -> bool:
    """Whether bytes of the response lie beyond the reset and came after it."""
    return response.end > reset.seq and response.last_ns > reset.time_ns


def as_the_client_saw(connection: Connection, exchange: Exchange) -> Exchange:
    """The exchange without what came after such a reset; as it is where there was none."""
    response, reset = exchange.response, outlived_reset(connection)
    if response is None or reset is None or not came_too_late(response, reset):
        return exchange
    if response.time_ns > reset.time_ns:
        return replace(exchange, response=None, outcome="unanswered")
    return replace(exchange, response=replace(response, complete=False), outcome="truncated")
