"""How a WebSocket ended: which side ended its transport, by which act, after which silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.diagnose import wording
from plainwire.diagnose.grounds import Ground
from plainwire.model import Side

from .closes import first_close, ground_of

if TYPE_CHECKING:
    from plainwire.model import (
        CloseEvent,
        Connection,
        Exchange,
        WebSocket,
        WebSocketClose,
        WebSocketPing,
    )

ORDINARY_CODES = frozenset((1000, 1001, 1005))
"""A normal closure, going away, and a Close frame without a code (RFC 6455 section 7.4.1)."""


class Ending(Struct, frozen=True):
    """The first act that ended the transport. ``close`` is TCP's or TLS's; None where a frame ended it."""

    side: Side
    packet: int
    time_ns: int
    act: str
    close: CloseEvent | None
    quiet_ns: int
    """Since the last frame of either side."""

    def ground(self, connection: Connection) -> Ground:
        """The class of evidence that it is of: what stands inside the encryption, or a bare FIN or RST."""
        return Ground.SAID if self.close is None else ground_of(self.close, connection)


def ending_of(connection: Connection, exchange: Exchange) -> Ending | None:
    """How the transport of an exchange that became a WebSocket ended; None where the capture lacks it."""
    websocket, reset = exchange.websocket, exchange.reset
    if websocket is None or exchange.response is None:
        return None
    last_ns = max([exchange.response.time_ns, *(f.time_ns for f in websocket.last if f is not None)])
    found: list[Ending] = []
    if reset is not None:
        act = f"{reset.kind.upper()} ({reset.name})"
        found.append(Ending(reset.side, reset.packet, reset.time_ns, act, None, reset.time_ns - last_ns))
    found += [
        Ending(event.side, event.packet, event.time_ns, "END_STREAM", None, event.time_ns - last_ns)
        for event in websocket.ended
        if event is not None
    ]
    for side in Side:
        close = first_close(connection, side)
        if close is not None:
            quiet = close.time_ns - last_ns
            found.append(Ending(side, close.packet, close.time_ns, wording.act(close), close, quiet))
    return min(found, key=lambda end: (end.time_ns, end.packet), default=None)


def first_close_frame(websocket: WebSocket) -> tuple[Side, WebSocketClose] | None:
    """The Close frame that began the closing, and whose it is."""
    sent = [(side, close) for side in Side if (close := websocket.closes[side]) is not None]
    return min(sent, key=lambda pair: (pair[1].time_ns, pair[1].packet), default=None)


def unanswered_ping(websocket: WebSocket, side: Side, before_ns: int) -> WebSocketPing | None:
    """The first PING of a side that had no PONG at a time, with none answered behind it."""
    first: WebSocketPing | None = None
    for ping in websocket.pings:
        if ping.side != side or ping.time_ns > before_ns:
            continue
        if ping.pong_ns is not None and ping.pong_ns <= before_ns:
            first = None
        elif first is None:
            first = ping
    return first


def ended_badly(connection: Connection, exchange: Exchange) -> bool:
    """Whether the end of a WebSocket needs explaining: no Close frame, or one with a code of trouble."""
    websocket = exchange.websocket
    if websocket is None:
        return False
    begun = first_close_frame(websocket)
    if begun is not None:
        return begun[1].code not in ORDINARY_CODES
    return ending_of(connection, exchange) is not None
