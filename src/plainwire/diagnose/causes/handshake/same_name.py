"""Other connections for the same name."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import Connection


_MOST_COMPARED = 500


def same_name(connection: Connection, traffic: Traffic) -> list[Connection]:
    """Other connections for the same server name, or without one to the same address, with a certificate."""
    mine = connection.tls
    if mine is None:
        return []
    named = (
        c
        for c in islice(traffic.connections, _MOST_COMPARED)
        if c is not connection and c.tls is not None and c.tls.certificate
    )
    if mine.server_name:
        return [c for c in named if c.tls is not None and c.tls.server_name == mine.server_name]
    return [c for c in named if c.server == connection.server]
