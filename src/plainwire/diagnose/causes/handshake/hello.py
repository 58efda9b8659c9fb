"""The ClientHello, and what became of a handshake that was not finished."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose.evidence import opening

if TYPE_CHECKING:
    from plainwire.diagnose.evidence.opening import Opening
    from plainwire.model import Connection


SMALL_HELLO = 1400
"""A ClientHello of no more bytes than this fits into one segment nearly everywhere."""


def unfinished(connection: Connection) -> Opening | None:
    """How a connection began on which TLS was begun and not finished; None for any other.

    Where the keys are missing, what follows the ServerHello of TLS 1.3 says nothing: it may be application
    data.
    """
    tls = connection.tls
    if tls is None or tls.handshake_complete or not connection.established:
        return None
    if connection.undecrypted or connection.exchanges:
        return None
    begin = opening.of(connection)
    return begin if begin is not None and begin.said else None


def end_of_hello(begin: Opening, connection: Connection) -> int:
    """Where the client's first flight ends: ahead of any answer and any close."""
    ends = [s.time_ns for s in begin.answers[:1]] + [c.time_ns for c in connection.closes[:1]]
    answer = min(ends, default=None)
    return max(s.end for s in begin.said if answer is None or s.time_ns <= answer or s is begin.said[0])


def stage_words(connection: Connection) -> str:
    """How far the handshake had come."""
    tls = connection.tls
    if tls is not None and tls.cipher_suite is not None:
        return "in the middle of the handshake, after the ServerHello"
    return "after the ClientHello, before a word from the server"


def hello_words(size: int) -> str:
    """What a large ClientHello leaves open."""
    if size <= SMALL_HELLO:
        return ""
    return f"large-clienthello-drop: possible, it has {size} bytes; no smaller one is there to compare"
