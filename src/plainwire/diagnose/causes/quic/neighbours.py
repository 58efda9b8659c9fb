"""Other connections of the same client, over QUIC or TCP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose.evidence.captured import server_was_seen

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import Connection


_RACED_NS = 1_000_000_000
"""Clients race TCP against QUIC within a second (RFC 8305 section 5: 250 ms)."""

FALLBACK_NS = 60_000_000_000
"""A client that falls back to TCP does so within a minute."""

_NEIGHBOURS = 200

FEWEST_DATAGRAMS = 2
"""One datagram alone may be lost."""


def near_in_time(connection: Connection, traffic: Traffic) -> list[Connection]:
    """Connections that began shortly before or after."""
    place = traffic.position[connection.id]
    return list(traffic.connections[max(0, place - _NEIGHBOURS) : place + _NEIGHBOURS])


def over_tcp(connection: Connection, traffic: Traffic) -> Connection | None:
    """A connection over TCP to the same address, or by the same server name, that was established."""
    for other in near_in_time(connection, traffic):
        if other.transport != "tcp" or not other.established or not server_was_seen(other):
            continue
        if not -_RACED_NS <= other.opened_ns - connection.opened_ns <= FALLBACK_NS:
            continue
        if other.server.address == connection.server.address or same_name(connection, other):
            return other
    return None


def same_name(one: Connection, other: Connection) -> bool:
    """Whether both are for one server name."""
    name = one.tls.server_name if one.tls is not None else None
    return name is not None and other.tls is not None and other.tls.server_name == name
