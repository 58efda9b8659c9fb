"""How connections ended that a server ended by itself, with nothing open: what its limits are read from.

Most of the knowledge comes from connections at whose end nobody was hurt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.diagnose.thresholds import AT_ONCE_NS
from plainwire.model import Side

from .closes import client_first, first_close, is_reactive
from .exchanges import ERROR_STATUS, finished_ns

if TYPE_CHECKING:
    from plainwire.model import CloseKind, Connection, Exchange, Response


class End(Struct, frozen=True):
    """The server's end of one connection. Times in ns.

    ``idle_ns``: since the last exchange, None where the close was announced. ``requests``: how many it had
    answered, and ``age_ns``: None where the capture does not hold the connection's beginning.
    ``kind``: the first act of closing; None where only the announcement was seen.
    """

    time_ns: int
    idle_ns: int | None
    requests: int | None
    age_ns: int | None
    announced: bool
    kind: CloseKind | None

    @property
    def at_once(self) -> bool:
        """Whether it came with the last response or right behind it: no idle timer does that."""
        return self.idle_ns is None or self.idle_ns < AT_ONCE_NS


def server_end(connection: Connection) -> End | None:
    """How the server ended it by itself; None where it did not, or where something was still open."""
    if not connection.exchanges:
        return None
    if connection.events and any(e.kind == "goaway" and e.side == Side.SERVER for e in connection.events):
        return _goaway(connection)
    last = _last_finished(connection)
    if last is None or last.request is None or last.request.close_announced or last.response is None:
        return None  # what the client asks for is no limit of the server's
    if last.response.close_announced:
        return _announced(connection, last, last.response)
    return _unannounced(connection, last)


def _unannounced(connection: Connection, last: Exchange) -> End | None:
    close = first_close(connection, Side.SERVER)
    if close is None or close.kind == "alert" or is_reactive(close):
        return None
    if client_first(connection) is not None or _open_at(connection, close.time_ns, close.ack):
        return None
    idle = close.time_ns - finished_ns(last)
    return End(
        close.time_ns, idle, *_history(connection, last, close.time_ns), announced=False, kind=close.kind
    )


def _announced(connection: Connection, last: Exchange, response: Response) -> End | None:
    """The end that a response announced; None where an error led to it, or HTTP/1.0 knows no better."""
    if response.status >= ERROR_STATUS or response.version == "HTTP/1.0":
        return None
    close, time = first_close(connection, Side.SERVER), response.last_ns
    kind = None if close is None else close.kind
    return End(time, None, *_history(connection, last, time), announced=True, kind=kind)


def _goaway(connection: Connection) -> End | None:
    """The server's GOAWAY without an error (RFC 9113 section 6.8, RFC 9114 section 5.2)."""
    for event in connection.events:
        if event.kind != "goaway" or event.side != Side.SERVER:
            continue
        if event.code:
            return None
        before = [e for e in connection.exchanges if e.request and e.request.time_ns <= event.time_ns]
        if not before:
            return None
        finished = [finished_ns(e) for e in before if e.outcome == "complete"]
        still_open = len(finished) < len(before) or max(finished) > event.time_ns
        idle = None if still_open else event.time_ns - max(finished)
        whole = not connection.mid_stream
        return End(
            event.time_ns,
            idle,
            len(before) if whole else None,
            event.time_ns - connection.opened_ns if whole else None,
            announced=True,
            kind=None,
        )
    return None


def _history(connection: Connection, last: Exchange, time_ns: int) -> tuple[int | None, int | None]:
    if connection.mid_stream:
        return None, None
    return last.ordinal, time_ns - connection.opened_ns


def _last_finished(connection: Connection) -> Exchange | None:
    """The complete exchange that ended last."""
    if connection.exchanges[-1].protocol == "http/1.1":
        return next((e for e in reversed(connection.exchanges) if e.outcome == "complete"), None)
    complete = [e for e in connection.exchanges if e.outcome == "complete"]
    return max(complete, key=finished_ns, default=None)


def _open_at(connection: Connection, time_ns: int, ack: int | None) -> bool:
    """Whether the server had received any of a request that it had not answered when it closed."""
    for exchange in reversed(connection.exchanges):
        if exchange.outcome == "complete":
            if finished_ns(exchange) > time_ns:
                return True
            if exchange.protocol == "http/1.1":
                return False
        elif exchange.request is None or ack is None or ack > exchange.request.start:
            return True
    return False
