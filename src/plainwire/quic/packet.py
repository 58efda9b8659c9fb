"""Datagrams, and the QUIC packets in them, still protected (RFC 9000 section 12.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from plainwire.model import Connection, Endpoint, Side
    from plainwire.quic.protection import OpenedPacket
    from plainwire.quic.versions import Form


class Datagram(NamedTuple):
    """One datagram. ``sender`` is 0 for the end that sent the connection's first one, 1 for the other;
    ``path`` is its source and target; ``whole``: the capture has all of it.
    """

    data: bytes
    sender: int
    path: tuple[Endpoint, Endpoint]
    number: int
    time_ns: int
    ttl: int
    whole: bool


class Packet(NamedTuple):
    """One protected packet. ``target`` is its destination connection id, if it has a long header."""

    form: Form
    version: int
    data: bytes
    number_at: int
    target: bytes
    token: bytes
    carrier: Datagram


Watch: TypeAlias = "Callable[[Connection, Side, Packet, OpenedPacket | None], None]"
"""Sees each packet that was read, once, with the side that sent it; those without protection (Retry, Version
Negotiation) unopened."""
