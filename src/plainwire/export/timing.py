"""How long each phase of an exchange took, as waterfalls show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from plainwire.model import Connection, Exchange, Request


class Phases(Struct, frozen=True):
    """Durations in ns, one after the other from ``begin_ns``; None: no such phase, or it was not seen.

    ``connect`` ends with the SYN-ACK, ``tls`` with the last Finished; only the first exchange of a connection
    has them. ``wait`` is from the last byte of the request to the first of the response, or to the end of the
    connection if none came.
    """

    begin_ns: int
    connect: int | None
    tls: int | None
    blocked: int
    send: int
    wait: int
    receive: int

    @property
    def total(self) -> int:
        """The whole duration."""
        return (self.connect or 0) + (self.tls or 0) + self.blocked + self.send + self.wait + self.receive


def phases(exchange: Exchange, connection: Connection) -> Phases | None:
    """The phases of an exchange; None for a response without a request."""
    request, response = exchange.request, exchange.response
    if request is None:
        return None
    begin, connected, secured = _setup(exchange, connection)
    ready = secured or connected or begin
    if response is None:
        answered = ended = _end(exchange, connection, request)
    else:
        answered, ended = max(response.time_ns, request.last_ns), max(response.last_ns, response.time_ns)
    return Phases(
        begin,
        None if connected is None else connected - begin,
        None if secured is None else max(0, secured - (connected or begin)),
        max(0, request.time_ns - ready),
        max(0, request.last_ns - request.time_ns),
        max(0, answered - request.last_ns),
        max(0, ended - answered),
    )


def setup_steps(connection: Connection) -> list[tuple[str, int | None, int | None]]:
    """The handshakes of a connection: name, begin and end (ns), None if not seen."""
    steps: list[tuple[str, int | None, int | None]] = [
        ("TCP handshake", connection.opened_ns, connection.connected_ns)
    ]
    if connection.tls is not None:
        steps.append(("TLS handshake", connection.tls.began_ns, connection.tls.finished_ns))
    return steps


def _setup(exchange: Exchange, connection: Connection) -> tuple[int, int | None, int | None]:
    """When it began, and when TCP and TLS were ready for it."""
    request = exchange.request
    begin = request.time_ns if request is not None else 0
    if exchange.ordinal > 1 or exchange.via is not None or connection.mid_stream or not connection.opened_ns:
        return begin, None, None
    secured = connection.tls.finished_ns if connection.tls is not None else None
    return min(connection.opened_ns, begin), connection.connected_ns, secured


def _end(exchange: Exchange, connection: Connection, request: Request) -> int:
    """When it became clear that no response would come."""
    if exchange.reset is not None:
        return exchange.reset.time_ns
    if exchange.outcome == "unseen":
        return max(connection.last_ns, request.last_ns)
    ends = [close.time_ns for close in connection.closes if close.time_ns >= request.last_ns]
    return min(ends, default=max(connection.last_ns, request.last_ns))
