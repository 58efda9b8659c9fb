"""What idle closes say about a server's idle timeout.

Most of the knowledge comes from connections that the server closed while nobody was hurt. The time from
the arrival of the last response byte to the arrival of the close is the timeout itself: both travelled
one way (nothing is to be subtracted for the round trip).
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from plainwire.model import Side

from . import primitives, words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from plainwire.model import CloseEvent, Connection, Endpoint, Exchange

AT_ONCE_NS = 50_000_000
"""A close sooner than this after a response is no idle timer."""

_SPREAD_NS = 20_000_000
_SPREAD_SHARE = 0.03
_SMALLEST_SAMPLE = 2


@dataclass(frozen=True, slots=True)
class IdleTimeout:
    """The range in which a server's idle closes fell, in ns, and how many there were."""

    low: int
    high: int
    count: int

    def __str__(self) -> str:
        low, high = words.span(self.low), words.span(self.high)
        return f"{low if low == high else f'{low} to {high}'}, seen {self.count} times"

    def fits(self, idle_ns: int) -> bool:
        """Whether a close after ``idle_ns`` may be the same timer's."""
        slack = max(_SPREAD_NS, int(self.high * _SPREAD_SHARE))
        return self.low - slack <= idle_ns <= self.high + slack


def idle_timeouts(connections: Iterable[Connection]) -> dict[Endpoint, IdleTimeout]:
    """The idle timeout of every server address whose idle closes all came after the same idleness."""
    samples: dict[Endpoint, list[int]] = {}
    for connection in connections:
        idle = idle_before_close(connection)
        if idle is not None and idle >= AT_ONCE_NS:
            samples.setdefault(connection.server, []).append(idle)
    found = ((server, _agreeing(values)) for server, values in samples.items())
    return {server: timeout for server, timeout in found if timeout is not None}


def idle_before_close(connection: Connection) -> int | None:
    """How long the connection had been idle, in the server's eyes, when the server closed it unasked.

    None where it did not, where an exchange was open, or where the close had been announced.
    """
    found = idle_close(connection)
    if found is None or found.announced or found.close.kind not in ("close_notify", "fin"):
        return None
    return found.idle_ns


@dataclass(frozen=True, slots=True)
class IdleClose:
    """A server's close, of any kind, of a connection that was idle in its eyes.

    ``ordinal`` counts the requests that it had answered, ``idle_ns`` runs from the end of the last
    answer, ``age_ns`` from the opening of the connection.
    """

    connection: Connection
    close: CloseEvent
    idle_ns: int
    age_ns: int
    ordinal: int
    announced: bool

    @property
    def at_once(self) -> bool:
        """Whether it came with the last response, so that no timer can have made it."""
        return self.idle_ns < AT_ONCE_NS


def idle_close(connection: Connection) -> IdleClose | None:
    """The server's close of an idle connection; None where the client was first, or a request was open."""
    close = primitives.first_close(connection, Side.SERVER)
    if close is None or primitives.client_first(connection) is not None:
        return None
    for place in range(len(connection.exchanges) - 1, -1, -1):
        exchange = connection.exchanges[place]
        if exchange.outcome == "complete" and primitives.finished_ns(exchange) <= close.time_ns:
            return IdleClose(
                connection,
                close,
                idle_ns=close.time_ns - primitives.finished_ns(exchange),
                age_ns=close.time_ns - connection.opened_ns,
                ordinal=place + 1,
                announced=announces_close(exchange),
            )
        if exchange.request is None or close.ack is None or close.ack > exchange.request.start:
            return None
    return None


def announces_close(exchange: Exchange) -> bool:
    """Whether either message of the exchange said that it was the last on its connection.

    HTTP/1.0 without keep-alive says so by its version (RFC 9112 section 9.3).
    """
    for message in (exchange.request, exchange.response):
        if message is None:
            continue
        if message.close_announced:
            return True
    response = exchange.response
    return response is not None and response.version == "HTTP/1.0" and not _keeps_alive(response.headers)


def _keeps_alive(headers: list[tuple[str, str]]) -> bool:
    return any(name.lower() == "connection" and "keep-alive" in value.lower() for name, value in headers)


def _agreeing(values: list[int]) -> IdleTimeout | None:
    middle = statistics.median(values)
    slack = max(_SPREAD_NS, middle * _SPREAD_SHARE)
    near = [value for value in values if abs(value - middle) <= slack]
    if len(near) < _SMALLEST_SAMPLE or 2 * len(near) < len(values):
        return None
    return IdleTimeout(min(near), max(near), len(near))
