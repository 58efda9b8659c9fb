"""The ClientHello, and what became of a handshake that was not finished."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose.evidence import opening
from plainwire.diagnose.evidence.tunnels import only_tunnels
from plainwire.model import Side

if TYPE_CHECKING:
    from plainwire.diagnose.evidence.opening import Opening
    from plainwire.model import Connection


SMALL_HELLO = 1400
"""A ClientHello of no more bytes than this fits into one segment nearly everywhere."""


def unfinished(connection: Connection) -> Opening | None:
    """How the handshake began on a connection on which TLS was begun and not finished; None for any other.

    Where the keys are missing, what follows the ServerHello of TLS 1.3 says nothing: it may be application
    data.
    """
    tls = opening.handshake_session(connection)
    if tls is None or tls.handshake_complete or not connection.established:
        return None
    if connection.undecrypted or not only_tunnels(connection):
        return None
    begin = opening.of_handshake(connection)
    return begin if begin is not None and begin.client_data else None


def start_of_hello(connection: Connection) -> int:
    """Where the ClientHello begins in the client's stream."""
    tls = opening.handshake_session(connection)
    return max(tls.starts[Side.CLIENT], 0) if tls is not None else 0


def end_of_hello(begin: Opening, connection: Connection) -> int:
    """Where the ClientHello ends: by its own length, else with what the client sent ahead of any answer."""
    tls = opening.handshake_session(connection)
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


def stage_words(connection: Connection) -> str:
    """How far the handshake had come."""
    tls = opening.handshake_session(connection)
    if tls is not None and tls.cipher_suite is not None:
        return "in the middle of the handshake, after the ServerHello"
    return "after the ClientHello, before a word from the server"


def hello_words(size: int) -> str:
    """What a large ClientHello leaves open."""
    if size <= SMALL_HELLO:
        return ""
    return f"large-clienthello-drop: possible, it has {size} bytes; no smaller one is there to compare"
