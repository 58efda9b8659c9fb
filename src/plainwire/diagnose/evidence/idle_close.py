"""Closes of idle connections, held against a server's idle timeout.

The time from the arrival of the last response byte to the arrival of the close is the timeout itself:
both travelled one way (nothing is to be subtracted for the round trip).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.diagnose.thresholds import AT_ONCE_NS
from plainwire.model import Side

from .closes import client_first, first_close
from .exchanges import finished_ns
from .tunnels import is_granted

if TYPE_CHECKING:
    from plainwire.model import CloseEvent, Connection, Exchange


class IdleClose(Struct, frozen=True):
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
    close = first_close(connection, Side.SERVER)
    if close is None or client_first(connection) is not None:
        return None
    for place in range(len(connection.exchanges) - 1, -1, -1):
        exchange = connection.exchanges[place]
        if exchange.outcome == "complete" and finished_ns(exchange) <= close.time_ns:
            return IdleClose(
                connection,
                close,
                idle_ns=close.time_ns - finished_ns(exchange),
                age_ns=close.time_ns - connection.opened_ns,
                ordinal=place + 1,
                announced=announces_close(exchange),
            )
        if exchange.request is None or close.ack is None or close.ack > exchange.request.start:
            return None
    return None


def announces_close(exchange: Exchange) -> bool:
    """Whether either message of the exchange said that it was the last on its connection.

    HTTP/1.0 without keep-alive says so by its version (RFC 9112 section 9.3). What opens a tunnel says
    nothing of what is in it, whatever its version and fields (RFC 9110 section 9.3.6).
    """
    if is_granted(exchange):
        return False
    for message in (exchange.request, exchange.response):
        if message is None:
            continue
        if message.close_announced:
            return True
    response = exchange.response
    return response is not None and response.version == "HTTP/1.0" and not _keeps_alive(response.headers)


def _keeps_alive(headers: list[tuple[str, str]]) -> bool:
    return any(name.lower() == "connection" and "keep-alive" in value.lower() for name, value in headers)
