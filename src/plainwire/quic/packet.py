"""Datagrams, and the QUIC packets in them, still protected (RFC 9000 section 12.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from plainwire.model import Endpoint
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
