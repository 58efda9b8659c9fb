"""How a WebSocket ended: which side ended its transport, by which act, after which silence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.diagnose import wording
from plainwire.diagnose.grounds import Ground
from plainwire.model import Side

from .closes import first_close, ground_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.model import (
        CloseEvent,
        Connection,
        Exchange,
        WebSocket,
        WebSocketClose,
        WebSocketFrame,
        WebSocketPing,
    )

ORDINARY_CODES = frozenset((1000, 1001, 1005))
"""A normal closure, going away, and a Close frame without a code (RFC 6455 section 7.4.1)."""
_OF_A_PING = re.compile(r"\b(?:ping|pong|heartbeat|keep-?alive)\b", re.IGNORECASE)


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
    acts: list[tuple[Side, int, int, str, CloseEvent | None]] = []
    if reset is not None:
        acts.append((reset.side, reset.packet, reset.time_ns, f"{reset.kind.upper()} ({reset.name})", None))
    acts += [
        (event.side, event.packet, event.time_ns, "END_STREAM", None)
        for event in websocket.ended
        if event is not None
    ]
    for side in Side:
        close = first_close(connection, side)
        if close is not None:
            acts.append((side, close.packet, close.time_ns, wording.act(close), close))
    if not acts:
        return None
    side, packet, time_ns, act, close = min(acts, key=lambda one: (one[2], one[1]))
    last_ns = max([exchange.response.time_ns, *(f.time_ns for f in frames_before(websocket, time_ns))])
    return Ending(side, packet, time_ns, act, close, max(0, time_ns - last_ns))


def frames_before(websocket: WebSocket, at_ns: int) -> Iterator[WebSocketFrame]:
    """Frames until a time, the last one of them among them; the peer may send some more behind an end."""
    late = any(frame is not None and frame.time_ns > at_ns for frame in websocket.last)
    for frame in (*websocket.last, *(websocket.frames if late else ())):
        if frame is not None and frame.time_ns <= at_ns:
            yield frame


def first_close_frame(connection: Connection, exchange: Exchange) -> tuple[Side, WebSocketClose] | None:
    """The Close frame that began the closing, and whose it is.

    One that the other side had not received when it ended the transport begins nothing.
    """
    websocket, ending = exchange.websocket, ending_of(connection, exchange)
    if websocket is None:
        return None
    sent = [
        (side, close)
        for side in Side
        if (close := websocket.closes[side]) is not None
        and (ending is None or ending.side == side or not _unheard(connection, ending, close))
    ]
    return min(sent, key=lambda pair: (pair[1].time_ns, pair[1].packet), default=None)


def _unheard(connection: Connection, ending: Ending, close: WebSocketClose) -> bool:
    """Whether the Close frame came behind the end, which does not acknowledge it.

    Time alone does not tell: two directions may be captured by clocks that differ.
    """
    rows = connection.segments
    if rows is None or ending.close is None or close.time_ns <= ending.time_ns:
        return False
    heard, sent = rows.ack[rows.number == ending.packet], rows.seq[rows.number == close.packet]
    return bool(len(heard) and len(sent)) and int(heard.max()) <= int(sent.min())


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


def _is_for_a_ping(websocket: WebSocket, side: Side, close: WebSocketClose) -> bool:
    """Whether its reason names a PING that got no answer (Tornado's Close has code 1000 then)."""
    named = _OF_A_PING.search(close.reason) is not None
    return named and unanswered_ping(websocket, side, close.time_ns) is not None


def ended_badly(connection: Connection, exchange: Exchange) -> bool:
    """Whether the end of a WebSocket needs explaining: no Close frame, or one with a code of trouble."""
    websocket = exchange.websocket
    if websocket is None:
        return False
    begun = first_close_frame(connection, exchange)
    if begun is not None:
        side, close = begun
        return close.code not in ORDINARY_CODES or _is_for_a_ping(websocket, side, close)
    return ending_of(connection, exchange) is not None
