"""Whether the capture of a connection holds all that was sent on it: only then is absence evidence."""

from __future__ import annotations

import bisect
from itertools import islice
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
    holes = [gap.packet for gap in connection.gaps if not never_arrived(connection, gap)]
    holes += [failure.packet or first for failure in connection.undecrypted]
    nearest = min((packet for packet in holes if packet >= first), default=None)
    if nearest is None:
        return False
    if exchange.response is not None and nearest <= exchange.response.last_packet:
        return True
    return nearest <= _next_request(connection, exchange, first)


def _next_request(connection: Connection, exchange: Exchange, first: int) -> int:
    """The packet in which the next request begins; one behind the connection's last where there is none.

    Exchanges stand in the order of their ids, so that not all are looked at for each of very many.
    """
    exchanges = connection.exchanges
    start = bisect.bisect_right(exchanges, exchange.id, key=attrgetter("id"))
    later = (e.request.packet for e in islice(exchanges, start, None) if e.request is not None)
    return next((packet for packet in later if packet > first), connection.last_packet + 1)


def is_whole(connection: Connection) -> bool:
    """Whether what is not in the capture of a connection was not sent, so far as the capture can tell."""
    if connection.mid_stream or connection.snapped or connection.undecrypted or connection.roles_guessed:
        return False
    quic = connection.quic
    if quic is not None and any(map(quic.lost_by_capture, Side)):
        return False
    return all(never_arrived(connection, gap) for gap in connection.gaps)
