"""The ClientHello of the TLS session that was begun last: where it ends, and in how many segments it left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.model import Side

from .opening import handshake_session

if TYPE_CHECKING:
    from plainwire.model import Connection

    from .opening import Opening


SMALL_HELLO = 1400
"""A ClientHello of no more bytes than this fits into one segment nearly everywhere."""


def start_of_hello(connection: Connection) -> int:
    """Where the ClientHello begins in the client's stream."""
    tls = handshake_session(connection)
    return max(tls.starts[Side.CLIENT], 0) if tls is not None else 0


def end_of_hello(begin: Opening, connection: Connection) -> int:
    """Where the ClientHello ends: by its own length, else with what the client sent ahead of any answer."""
    tls = handshake_session(connection)
    if tls is not None and tls.hello_size:
        return start_of_hello(connection) + tls.hello_size
    ends = [s.time_ns for s in begin.answers[:1]] + [c.time_ns for c in connection.closes[:1]]
    answer = min(ends, default=None)
    return max(
        s.end for s in begin.client_data if answer is None or s.time_ns <= answer or s is begin.client_data[0]
    )


def pieces_of_hello(begin: Opening, connection: Connection) -> int:
    """In how many segments the ClientHello left, transmissions that repeat not counted."""
    end = end_of_hello(begin, connection)
    return len({s.seq for s in begin.client_data if s.seq < end})
