"""Connections that became WebSockets, in the making. Times in milliseconds."""

from __future__ import annotations

from plainwire.model import (
    CloseKind,
    Connection,
    Side,
    WebSocket,
    WebSocketClose,
    WebSocketFrame,
    WebSocketPing,
)
from tests.diagnose.wire import EPOCH_NS, MS, SERVER, Wire

TEXT = 1


class Socket:
    """One WebSocket, agreed to after a round trip."""

    def __init__(self, number: int = 1, start: float = 0, rtt: float = 80.0) -> None:
        self.wire = Wire(id=number, first_exchange=number, first_packet=100 * number, start=start, rtt=rtt)
        exchange = self.wire.ask(0, "/socket")
        self.wire.answer(rtt, status=101, framing="tunnel")
        self.facts = exchange.websocket = WebSocket()
        exchange.protocol = "websocket"
        self.start = start

    def message(self, side: Side, at: float, size: int = 20) -> Socket:
        row = self.wire.segment(side, at, length=size + 6)
        previous = [frame.time_ns for frame in self.facts.last if frame is not None]
        if previous:
            pause = row.time_ns - max(previous)
            self.facts.longest_pause_ns = max(self.facts.longest_pause_ns, pause)
        self.facts.last[side] = WebSocketFrame(
            side, TEXT, fin=True, rsv=0, masked=not side, size=size, packet=row.packet, time_ns=row.time_ns
        )
        self.facts.messages[side] += 1
        self.facts.largest[side] = max(self.facts.largest[side], size)
        return self

    def ping(self, side: Side, at: float, pong: float | None = None, *, acked: bool = True) -> Socket:
        row = self.wire.segment(side, at, length=10)
        if acked:
            self.wire.segment(side.peer, at + self.wire.rtt, ack=row.seq + 10)
        answer = None
        if pong is not None:
            answer = self.wire.segment(side.peer, pong, length=10)
        self.facts.pings.append(
            WebSocketPing(
                side,
                row.packet,
                row.time_ns,
                answer.packet if answer else None,
                answer.time_ns if answer else None,
            )
        )
        return self

    def bye(self, side: Side, at: float, code: int, reason: str = "") -> Socket:
        row = self.wire.segment(side, at, length=8 + len(reason))
        self.facts.closes[side] = WebSocketClose(code, reason, row.packet, row.time_ns)
        self.facts.close_codes[side] = code
        return self

    def end(self, side: Side, kind: CloseKind, at: float) -> Connection:
        self.wire.close(side, kind, at)
        return self.wire.done()

    def at(self, milliseconds: float) -> int:
        return EPOCH_NS + int((self.start + milliseconds) * MS)


def silent(number: int, silence: float, start: float = 0) -> Connection:
    """A WebSocket that its server's side ends without a Close frame after a silence."""
    socket = Socket(number, start)
    return socket.message(SERVER, 200 + 37 * number).end(SERVER, "close_notify", 200 + 37 * number + silence)
