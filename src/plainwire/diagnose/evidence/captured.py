"""Whether the capture of a connection holds all that was sent on it: only then is absence evidence."""

from __future__ import annotations

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
    first = next((m.packet for m in (exchange.request, exchange.response) if m is not None), 0)
    later = (e.request.packet for e in connection.exchanges if e.request is not None)
    until = min((packet for packet in later if packet > first), default=connection.last_packet + 1)
    until = max(until, 0 if exchange.response is None else exchange.response.last_packet)
    holes = [gap.packet for gap in connection.gaps if not never_arrived(connection, gap)]
    holes += [failure.packet or first for failure in connection.undecrypted]
    return connection.snapped or any(first <= packet <= until for packet in holes)


def is_whole(connection: Connection) -> bool:
    """Whether what is not in the capture of a connection was not sent, so far as the capture can tell."""
    if connection.mid_stream or connection.snapped or connection.undecrypted or connection.roles_guessed:
        return False
    quic = connection.quic
    if quic is not None and any(map(quic.lost_by_capture, Side)):
        return False
    return all(never_arrived(connection, gap) for gap in connection.gaps)
