"""The ClientHello, and what became of a handshake that was not finished."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose.evidence import opening
from plainwire.diagnose.evidence.client_hello import SMALL_HELLO
from plainwire.diagnose.evidence.tunnels import only_tunnels

if TYPE_CHECKING:
    from plainwire.diagnose.evidence.opening import Opening
    from plainwire.model import Connection


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
