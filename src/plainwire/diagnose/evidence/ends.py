"""The two ends of a connection: their TTLs, their SYNs, their hosts."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from plainwire.arrays import np
from plainwire.model import ACK, RST, SYN, Side

if TYPE_CHECKING:
    from plainwire.model import CloseEvent, Connection, Syn


def ttl_jump(connection: Connection, close: CloseEvent) -> tuple[int, int] | None:
    """(TTL of the closing packet, usual TTL of that side) where they differ by more than one.

    Equal ones prove nothing; different ones say that another stack, or one elsewhere, sent the packet.
    """
    segments = connection.segments
    if segments is None or close.ttl <= 0:
        return None
    rows = (segments.side == close.side) & (segments.number != close.packet) & (segments.ttl > 0)
    if not rows.any():
        return None
    usual = int(np.median(segments.ttl[rows]))
    return (close.ttl, usual) if abs(close.ttl - usual) > 1 else None


def syns_of(connection: Connection) -> tuple[list[Syn], list[Syn]]:
    """The client's SYNs, and the server's SYN-ACKs, by time."""
    mine = [syn for syn in connection.syns if syn.side is Side.CLIENT and not syn.flags & ACK]
    theirs = [syn for syn in connection.syns if syn.side is Side.SERVER and syn.flags & ACK]
    return mine, theirs


def addresses(connection: Connection) -> tuple[str, str]:
    """Of client and server: connections between them share a path."""
    return connection.client.address, connection.server.address


def usual_ttl(connection: Connection) -> int | None:
    """The TTL of most of the server's segments, without its SYN-ACK and RSTs, which others may have made."""
    segments = connection.segments
    if segments is None:
        return None
    ttl = segments.ttl
    rows = (segments.side == Side.SERVER) & (segments.flags & (SYN | RST) == 0) & (ttl > 0)
    return int(np.bincount(ttl[rows]).argmax()) if rows.any() else None


def on_one_host(connection: Connection) -> bool:
    """Whether both ends are on one machine, so that nothing can sit between them: no relay does."""
    if connection.relayed:
        return False
    client, server = connection.client.address, connection.server.address
    return client == server or (_loopback(client) and _loopback(server))


def is_spliced(connection: Connection) -> bool:
    """Whether a relay stands on a loopback for a server on another one."""
    return connection.relayed and _loopback(connection.server.address)


def _loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.split("%", 1)[0]).is_loopback
    except ValueError:
        return False
