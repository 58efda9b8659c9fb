"""The facts that decide who hung up.

Everything here answers a question about one connection from its segments and closes; nothing judges.
Three kinds of facts, never mixed:

1. TLS-authenticated: what stood inside a decrypted record. Only a holder of the keys can have made it.
2. TCP-acknowledged: an acknowledgment number says what its sender's stack had received when it sent the
   segment. Every segment carries the newest one, so a delayed acknowledgment cannot make it lag.
3. Bare TCP: a FIN or RST could come from the endpoint, a load balancer, a NAT, or our own host.

Two kinds of RST (RFC 9293 sections 3.5.2 and 3.10.7): an *active* one has the ACK bit, the sender's
next sequence number and what it had received; a *reactive* one answers a segment for a connection that
is gone, has no ACK bit, and its sequence number repeats what the provoking segment acknowledged, which
tells what the client had seen when it sent that segment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.arrays import np
from plainwire.diagnose.grounds import Ground
from plainwire.model import ACK, Side

if TYPE_CHECKING:
    from plainwire.model import CloseEvent, Connection, Request


_HARMLESS_ALERTS = ("user_canceled", "no_renegotiation")


def first_close(connection: Connection, side: Side) -> CloseEvent | None:
    """The first act of closing of ``side``: close_notify, fatal alert, FIN or RST."""
    for close in connection.closes:
        if close.side == side and not close.repeated and not _harmless(close):
            return close
    return None


def _harmless(close: CloseEvent) -> bool:
    return close.kind == "alert" and any(name in close.detail for name in _HARMLESS_ALERTS)


def client_first(connection: Connection) -> CloseEvent | None:
    """The client's first act of closing, where it came before any of the server's."""
    client, server = first_close(connection, Side.CLIENT), first_close(connection, Side.SERVER)
    if client is None or server is None or server.knew_of(client):
        return client
    return None if client.knew_of(server) or _when(server) < _when(client) else client


def _when(close: CloseEvent) -> tuple[int, int]:
    return close.time_ns, close.packet


def is_reactive(close: CloseEvent) -> bool:
    """Whether this is a RST that answers a segment for a connection that is gone.

    What a program was told of a RST (``Connection.from_sockets``) does not say of which kind it was.
    """
    return close.kind == "rst" and close.ack is None and not close.from_sockets


def ground_of(close: CloseEvent, connection: Connection) -> Ground:
    """The class of evidence that a close is of: within the encryption, or bare TCP."""
    sealed = close.kind in ("close_notify", "alert") and connection.tls is not None
    return Ground.SEALED if sealed else Ground.FLAG


def reactive_reset(connection: Connection, after: CloseEvent) -> CloseEvent | None:
    """The server's RST that a client segment provoked after the server had closed."""
    for close in connection.closes:
        if close.side == Side.SERVER and is_reactive(close) and _when(close) > _when(after):
            return close
    return None


def reset_after(connection: Connection, close: CloseEvent) -> CloseEvent | None:
    """The first RST, of either kind, that the side of ``close`` sent after it."""
    for later in connection.closes:
        if later.side == close.side and later.kind == "rst" and _when(later) > _when(close):
            return later
    return None


def life_after(connection: Connection, reset: CloseEvent) -> int | None:
    """The packet of new data from the supposed sender after its RST: then that one did not send the RST."""
    segments = connection.segments
    if segments is None:
        return None
    rows = np.flatnonzero(
        (segments.side == reset.side)
        & (segments.length > 0)
        & (segments.time_ns > reset.time_ns)
        & (segments.seq >= reset.seq)
        & (segments.flags & ACK != 0),
    )
    return int(segments.number[rows[0]]) if len(rows) else None


def quiet_before(connection: Connection, close: CloseEvent, request: Request) -> int | None:
    """How long nothing had passed in either direction when an unasked ``close`` came.

    A request that crossed it, of which its sender knew nothing, does not count as having passed.
    """
    segments = connection.segments
    if segments is None:
        return None
    counts = segments.number < close.packet
    if close.ack is not None and close.ack <= request.start:
        counts &= (segments.side != close.side.peer) | (segments.seq < request.start)
    times = segments.time_ns[counts]
    return close.time_ns - int(times.max()) if len(times) else None
