"""Whether the capture of a connection holds all that was sent on it: only then is absence evidence."""

from __future__ import annotations

import bisect
from operator import attrgetter
from typing import TYPE_CHECKING

from plainwire.model import Side

from .acknowledgments import last_ack, never_arrived

if TYPE_CHECKING:
    from plainwire.model import Connection, Exchange


def server_was_seen(connection: Connection) -> bool:
    """Whether the capture has anything that the server sent: many have one direction only."""
    return (
        connection.sizes[Side.SERVER] > 0
        or any(syn.side is Side.SERVER for syn in connection.syns)
        or any(close.side is Side.SERVER for close in connection.closes)
        or last_ack(connection, Side.SERVER) is not None
    )


def is_damaged(connection: Connection, exchange: Exchange) -> bool:
    """Whether bytes around an exchange are missing, from its first to its last and the next one's first."""
    if connection.snapped or not (connection.gaps or connection.undecrypted):
        return connection.snapped
    first = next((m.packet for m in (exchange.request, exchange.response) if m is not None), 0)
    until = _next_request(connection, exchange, first)
    until = max(until, 0 if exchange.response is None else exchange.response.last_packet)
    return any(first <= (failure.packet or first) <= until for failure in connection.undecrypted) or any(
        first <= gap.packet <= until and not never_arrived(connection, gap) for gap in connection.gaps
    )


def _next_request(connection: Connection, exchange: Exchange, first: int) -> int:
    """The packet in which the next request begins; one behind the connection's last where there is none.

    Exchanges stand in the order of their ids, so that not all are looked at for each of very many.
    """
    exchanges = connection.exchanges
    for place in range(bisect.bisect_right(exchanges, exchange.id, key=attrgetter("id")), len(exchanges)):
        request = exchanges[place].request
        if request is not None and request.packet > first:
            return request.packet
    return connection.last_packet + 1


def is_whole(connection: Connection) -> bool:
    """Whether what is not in the capture of a connection was not sent, so far as the capture can tell."""
    if connection.mid_stream or connection.snapped or connection.undecrypted or connection.roles_guessed:
        return False
    quic = connection.quic
    if quic is not None and any(map(quic.lost_by_capture, Side)):
        return False
    return all(never_arrived(connection, gap) for gap in connection.gaps)
