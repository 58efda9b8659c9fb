"""A WebSocket (RFC 6455), with permessage-deflate (RFC 7692): takes both directions' bytes, gives frames.

The contents of messages are not kept; their sizes are counted, after decompression. The contents of Close,
PING and PONG are read, since they tell how it ended. Violations of the protocol are noted as defects, and
reading continues as long as frame headers are valid.
"""

from __future__ import annotations

import re
import zlib
from bisect import insort
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from plainwire.http.body import KeptBody
from plainwire.model import (
    Exchange,
    Gap,
    Side,
    WebSocket,
    WebSocketClose,
    WebSocketFrame,
    WebSocketMessage,
    WebSocketPing,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from plainwire.http.budget import Budget
    from plainwire.http.http1 import Locator
    from plainwire.http.reading import Reading
    from plainwire.model import Connection, Text

MOST_FRAMES = 10_000
_MOST_DEFECTS = 20
_CONTINUATION, _CLOSE, _PING, _PONG = 0, 8, 9, 10
_MOST_PINGS = 200
"""Number of each side's last PINGs and PONGs that are kept until the end."""

_NO_STATUS = 1005  # RFC 6455 section 7.1.5
_KNOWN = frozenset((0, 1, 2, 8, 9, 10))
_CONTROL = 8
_LONGEST_CONTROL = 125
_DEFLATED = 4  # RSV1
_TAIL = b"\0\0\xff\xff"
_PIECE = 1 << 16
_INFLATER = 44 << 10
"""Bytes that a decompressor and its window take."""


def _order(frame: WebSocketFrame) -> tuple[int, Side]:
    """The order on the wire: the two directions are read in turn, each as far as it has come."""
    return frame.packet, frame.side


class _Control(NamedTuple):
    """A PING or PONG."""

    packet: int
    time_ns: int
    payload: bytes


class _Direction:
    __slots__ = (
        "broken",
        "buffer",
        "control",
        "dead",
        "first",
        "frame",
        "inflater",
        "kept",
        "key",
        "left",
        "message",
        "packed",
        "pings",
        "pongs",
        "position",
        "size",
        "taken",
    )

    def __init__(self, kept: KeptBody) -> None:
        self.kept = kept  # the message so far
        self.first: WebSocketFrame | None = None  # of the message
        self.buffer: list[Text] = []
        self.frame: WebSocketFrame | None = None  # whose payload is being read
        self.left = 0
        self.key = b""
        self.taken = 0  # payload bytes of the frame so far
        self.control = b""  # the payload of the control frame so far
        self.pings: deque[_Control] = deque(maxlen=_MOST_PINGS)
        self.pongs: deque[_Control] = deque(maxlen=_MOST_PINGS)
        self.inflater: zlib._Decompress | None = None  # made when a message needs it
        self.packed = False  # the message is compressed
        self.broken = False  # and corrupt
        self.size = 0  # of the compressed message, as far as it is decompressed
        self.message = False  # a fragmented message is open
        self.dead = False
        self.position = 0


class WebSocketReader:
    """Reads what follows the opening handshake of ``exchange`` and notes it there."""

    def __init__(self, exchange: Exchange, budget: Budget, reading: Reading) -> None:
        """``reading``: where it keeps bodies, messages are kept too."""
        self._exchange = exchange
        self._budget = budget
        self.facts = exchange.websocket = WebSocket()
        exchange.protocol = "websocket"
        extensions = _field(exchange, "sec-websocket-extensions")
        self.facts.compressed = "permessage-deflate" in extensions
        self._extended = bool(extensions)
        self._no_context = (
            "client_no_context_takeover" in extensions,
            "server_no_context_takeover" in extensions,
        )
        self._keeps = reading.keep_bodies
        self._sides = (_Direction(KeptBody(reading)), _Direction(KeptBody(reading)))
        self._times: list[int] = []  # of the frames that began since the last call
        self._last_ns = 0

    def feed(
        self, client: Iterable[Text | Gap], server: Iterable[Text | Gap], where: tuple[Locator, Locator]
    ) -> None:
        """Take what both sides sent since the last call."""
        for side, texts in ((Side.CLIENT, client), (Side.SERVER, server)):
            direction = self._sides[side]
            for item in texts:
                if isinstance(item, Gap):
                    self._gap(side, direction, item)
                elif not direction.dead:
                    direction.buffer.append(item)
                    direction.position = item[2]
            if direction.buffer and not direction.dead:
                self._read(side, direction, where[side])
        self._measure_pauses()

    def _measure_pauses(self) -> None:
        """Measure pauses between frames of either side, by time: the two directions are read in turn."""
        for time_ns in sorted(self._times):
            if self._last_ns:
                self.facts.longest_pause_ns = max(self.facts.longest_pause_ns, time_ns - self._last_ns)
            self._last_ns = max(self._last_ns, time_ns)
        self._times.clear()

    def looked_up_to(self) -> tuple[int, int]:
        """Below these offsets of the client's and the server's stream nothing will be looked up again."""
        low = [d.buffer[0][1] - 1 if d.buffer else d.position - 1 for d in self._sides]
        return low[0], low[1]

    def close(self, facts: Connection, where: tuple[Locator, Locator]) -> list[Exchange]:
        """The connection has ended. There is no new exchange: the facts belong to the upgraded one."""
        del facts, where
        client, server = self._sides
        pings = [*_answered(Side.CLIENT, client.pings, server.pongs)]
        pings += _answered(Side.SERVER, server.pings, client.pongs)
        self.facts.pings = sorted(pings, key=lambda ping: (ping.time_ns, ping.packet))
        for side in Side:
            direction = self._sides[side]
            if (direction.buffer or direction.frame is not None) and not direction.dead:
                self._defect(f"the {side.name.lower()}'s last frame is cut")
            if direction.inflater is not None:
                self._budget.release(_INFLATER)
                direction.inflater = None
        return []

    def _gap(self, side: Side, direction: _Direction, gap: Gap) -> None:
        """A gap inside a payload is skipped; after any other gap the next frame cannot be found."""
        if direction.frame is not None and 0 < gap.length <= direction.left:
            direction.left -= gap.length
            self._forget_context(direction)
            self._defect(f"{gap.length} bytes of a payload are not in the capture")
            if not direction.frame.opcode & _CONTROL:
                direction.first = None
            if direction.left == 0:
                self._end_frame(side, direction)
        elif not direction.dead:
            direction.dead = True
            direction.buffer.clear()
            self._defect(f"bytes of the {side.name.lower()} are missing from the capture")

    def _defect(self, text: str) -> None:
        if len(self.facts.defects) < _MOST_DEFECTS:
            self.facts.defects.append(text)

    def _violation(self, side: Side, text: str) -> None:
        self._defect(text)
        self.facts.violations[side] += 1

    def _read(self, side: Side, direction: _Direction, where: Locator) -> None:
        data = b"".join(text[0] for text in direction.buffer)
        at, size = 0, len(data)
        while at < size and not direction.dead:
            if direction.frame is not None:
                part = data[at : at + direction.left]
                self._payload(side, direction, part)
                at += len(part)
                continue
            header = _header_size(data, at)
            if at + header > size:
                break
            self._begin_frame(side, direction, data[at : at + header], _carrier(direction.buffer, at), where)
            at += header
        direction.buffer = [] if direction.dead else _after(direction.buffer, at)

    def _begin_frame(
        self, side: Side, direction: _Direction, header: bytes, start: int, where: Locator
    ) -> None:
        length = header[1] & 0x7F
        if length >= 126:
            length = int.from_bytes(header[2 : 4 if length == 126 else 10], "big")
        opcode, rsv, masked = header[0] & 15, header[0] >> 4 & 7, bool(header[1] & 0x80)
        if opcode & _CONTROL and length > _LONGEST_CONTROL:
            self._violation(side, f"a control frame of {length} bytes (RFC 6455 section 5.5)")
        if opcode not in _KNOWN or length >> 62:
            direction.dead = True
            self._violation(side, f"no WebSocket frame where one of the {side.name.lower()} should begin")
            return
        (packet,), (time_ns,) = where.locate([start])
        frame = WebSocketFrame(side, opcode, bool(header[0] & 0x80), rsv, masked, length, packet, time_ns)
        self._judge(side, direction, frame)
        self._times.append(time_ns)
        self.facts.last[side] = frame
        self.facts.counts[side] += 1
        insort(self.facts.frames, frame, key=_order)
        del self.facts.frames[MOST_FRAMES:]
        direction.frame, direction.left, direction.taken, direction.control = frame, length, 0, b""
        direction.key = header[-4:] if masked else b""
        if not opcode & _CONTROL and opcode != _CONTINUATION:
            direction.packed = bool(rsv & _DEFLATED) and self.facts.compressed
            direction.broken, direction.size, direction.first = False, 0, frame
            direction.kept.take()
        if length == 0:
            self._end_frame(side, direction)

    def _judge(self, side: Side, direction: _Direction, frame: WebSocketFrame) -> None:
        if frame.masked != (side == Side.CLIENT):
            word = "masks" if frame.masked else "does not mask"
            self._violation(side, f"the {side.name.lower()} {word} a frame (RFC 6455 section 5.1)")
        begins = not frame.opcode & _CONTROL and frame.opcode != _CONTINUATION
        agreed = _DEFLATED if self.facts.compressed and begins else 0
        if frame.rsv & ~agreed and (self.facts.compressed or not self._extended):
            self._violation(side, "a frame with reserved bits that nothing agreed on (RFC 6455 section 5.2)")
        if frame.opcode & _CONTROL:
            return
        if (frame.opcode == _CONTINUATION) != direction.message:
            self._violation(side, "fragments out of order (RFC 6455 section 5.4)")
        direction.message = not frame.fin

    def _payload(self, side: Side, direction: _Direction, part: bytes) -> None:
        frame = direction.frame
        if frame is None:
            return
        if frame.opcode & _CONTROL:
            kept = part[: _LONGEST_CONTROL - len(direction.control)]
            direction.control += _unmask(kept, direction.key, direction.taken)
        elif direction.packed:
            self._inflate(side, direction, _unmask(part, direction.key, direction.taken))
        else:
            direction.size += len(part)
            self.facts.sizes[side] += len(part)
            if self._keeps:
                direction.kept.add(_unmask(part, direction.key, direction.taken))
        direction.taken += len(part)
        direction.left -= len(part)
        if direction.left == 0:
            self._end_frame(side, direction)

    def _end_frame(self, side: Side, direction: _Direction) -> None:
        frame, direction.frame = direction.frame, None
        if frame is None:
            return
        if frame.opcode & _CONTROL:
            self._end_control(side, direction, frame)
        elif frame.fin:
            self.facts.messages[side] += 1
            if direction.packed:
                self._inflate(side, direction, _TAIL)
                self.facts.sizes[side] += direction.size
            self.facts.largest[side] = max(self.facts.largest[side], direction.size)
            self._keep(side, direction)
            if direction.packed:
                direction.broken, direction.size = False, 0
                if self._no_context[side]:
                    self._forget_context(direction)

    def _keep(self, side: Side, direction: _Direction) -> None:
        """A message is whole: keep it, unless a part of it found no room, or the capture lacks one."""
        first = direction.first
        if not self._keeps or first is None:
            return
        data = direction.kept.take() or b""
        if len(data) == direction.size and len(self.facts.kept) < MOST_FRAMES:
            self.facts.kept.append(WebSocketMessage(side, first.opcode, first.packet, first.time_ns, data))

    def _end_control(self, side: Side, direction: _Direction, frame: WebSocketFrame) -> None:
        payload = direction.control
        if frame.opcode == _CLOSE and self.facts.closes[side] is None:
            code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else _NO_STATUS
            reason = payload[2:].decode("utf-8", "replace")
            self.facts.close_codes[side] = code
            self.facts.closes[side] = WebSocketClose(code, reason, frame.packet, frame.time_ns)
        elif frame.opcode in (_PING, _PONG):
            kept = direction.pings if frame.opcode == _PING else direction.pongs
            kept.append(_Control(frame.packet, frame.time_ns, payload))

    def _inflate(self, side: Side, direction: _Direction, data: bytes) -> None:
        if direction.broken:
            return
        try:
            whole = self._inflated(direction, data)
        except zlib.error:
            self._violation(side, f"a compressed message of the {side.name.lower()} is corrupt (RFC 7692)")
            self._forget_context(direction)
            direction.broken, direction.size = True, 0
        else:
            if not whole:
                self._defect(f"compressed messages of the {side.name.lower()} are not decoded to their end")
                direction.broken = True

    def _inflated(self, direction: _Direction, data: bytes) -> bool:
        """Count the decompressed bytes; False if they exceed the budget."""
        if direction.inflater is None and not self._budget.hold(_INFLATER):
            return False
        inflater = direction.inflater = direction.inflater or zlib.decompressobj(-15)
        self._budget.earn(len(data))
        while data:
            piece = inflater.decompress(data, _PIECE)
            size = len(piece)
            direction.size += size
            direction.kept.add(piece)
            if not self._budget.spend(size):
                return False
            data = inflater.unconsumed_tail
            if inflater.eof:  # a final block; another may follow it
                data = inflater.unused_data
                inflater = direction.inflater = zlib.decompressobj(-15)
        return True

    @staticmethod
    def _forget_context(direction: _Direction) -> None:
        if direction.inflater is not None:
            direction.inflater = zlib.decompressobj(-15)


def _answered(side: Side, pings: Iterable[_Control], pongs: Iterable[_Control]) -> Iterator[WebSocketPing]:
    """The PINGs of ``side`` with their PONGs: one PONG may answer several (RFC 6455 section 5.5.3)."""
    sent = list(pings)
    answers: list[_Control | None] = [None] * len(sent)
    for pong in pongs:
        asked = (
            n for n, ping in enumerate(sent) if ping.payload == pong.payload and ping.time_ns <= pong.time_ns
        )
        for number in range(max(asked, default=-1), -1, -1):
            if answers[number] is not None:
                break
            answers[number] = pong
    for ping, answer in zip(sent, answers, strict=True):
        if answer is None:
            yield WebSocketPing(side, ping.packet, ping.time_ns)
        else:
            yield WebSocketPing(side, ping.packet, ping.time_ns, answer.packet, answer.time_ns)


def _field(exchange: Exchange, name: str) -> str:
    """The values of a response field, joined, in lower case."""
    fields = exchange.response.headers if exchange.response else []
    return re.sub(r"\s", "", ",".join(value for key, value in fields if key.lower() == name)).lower()


def _header_size(data: bytes, at: int) -> int:
    """Bytes of the frame header at ``at``; 2 if not even those are there."""
    if at + 2 > len(data):
        return 2
    length = data[at + 1] & 0x7F
    return 2 + (2 if length == 126 else 8 if length == 127 else 0) + (4 if data[at + 1] & 0x80 else 0)


def _unmask(data: bytes, key: bytes, at: int) -> bytes:
    if not key or not data:
        return data
    shift = at % 4
    pad = (key[shift:] + key[:shift]) * (len(data) // 4 + 1)
    size = len(data)
    mixed = int.from_bytes(data, "big") ^ int.from_bytes(pad[:size], "big")
    return mixed.to_bytes(size, "big")


def _carrier(texts: list[Text], at: int) -> int:
    """The stream offset of what carried byte ``at`` of the joined texts."""
    for data, start, end in texts:
        if at < len(data):
            return start + at if end - start == len(data) else start
        at -= len(data)
    return texts[-1][1]


def _after(texts: list[Text], at: int) -> list[Text]:
    """The texts without their first ``at`` bytes."""
    for index, (data, start, end) in enumerate(texts):
        if at < len(data):
            exact = end - start == len(data)
            return [(data[at:], start + at if exact else start, end), *texts[index + 1 :]]
        at -= len(data)
    return []
