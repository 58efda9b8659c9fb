"""An HTTP/3 connection (RFC 9114): takes the streams of a QUIC connection, gives exchanges and events.

Streams are independent, and so are their gaps. Field compression ties them together: a field section may need
insertions from the encoder stream that have not come yet. Then its stream waits, with everything that follows
on it. Insertions that never come leave fields marked as unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.http import code_names
from plainwire.http import http3_frames as frames
from plainwire.http.exchange_room import TOO_MANY, ExchangeShare
from plainwire.http.hpack import Block
from plainwire.http.http1_fields import printable
from plainwire.http.http2_frames import DATA, MOST_PAYLOAD, FramePart, locate
from plainwire.http.http3_frames import StreamFrameReader, varint
from plainwire.http.qpack import QpackDecoder
from plainwire.http.stream_exchange import StreamContext, StreamExchange, close_all
from plainwire.model import Gap, Side, StreamEvent, Undecrypted

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from plainwire.http.http1 import Locator
    from plainwire.http.reading import Reading
    from plainwire.model import Connection, Exchange, Text

MOST_WAITING = 16 << 20
"""Most bytes of frames that wait for insertions, all streams together."""

MOST_BLOCKED = 1000
"""Most streams that wait; peers allow each other about a hundred (RFC 9204 section 2.1.2)."""

MOST_EVENTS = 10_000
_NEWEST = 1 << 62  # behind all offsets
_REJECTED = 0x10B
_CONTROL, _PUSH, _ENCODER = 0x0, 0x1, 0x2
_QPACK_MAX_TABLE_CAPACITY = 0x1
_SERVER_INITIATED, _UNIDIRECTIONAL = 1, 2
_HOLE = "bytes are missing from the capture"


class _Stream:
    """One direction of one stream. ``call`` is None if it carries no messages."""

    __slots__ = ("call", "cutter", "fin", "head", "kind", "number", "queue", "side", "where")

    def __init__(self, side: Side, number: int, call: StreamExchange | None, where: Locator) -> None:
        self.side = side
        self.where = where
        self.number = number
        self.call = call
        self.cutter = StreamFrameReader(side, number)
        self.queue: list[FramePart] = []
        self.fin = False
        self.kind: int | None = None  # of a unidirectional stream, when known
        self.head = b""  # its first bytes, until then


class Http3:
    """Reads the streams of one connection. ``events`` is what frames say apart from messages.

    ``tunnels`` is an outbox as in ``Http2``; its texts have the offsets of their stream.
    """

    def __init__(self, reading: Reading) -> None:
        self.events: list[StreamEvent] = []
        self.shared = StreamContext("h3", "HTTP/3", _REJECTED, reading)
        self.connects: dict[int, list[Locator]] = {}
        """Of streams that CONNECT has asked for: the ways back from the offsets of both sides."""
        self._decoders = QpackDecoder(), QpackDecoder()
        self._streams: dict[tuple[int, Side], _Stream] = {}
        self._calls: dict[int, StreamExchange] = {}
        self._promised: dict[int, StreamExchange] = {}  # by push id
        self._waiting: dict[tuple[int, Side], _Stream] = {}
        self._held = 0
        self._first_refused: int | None = None
        self._share = ExchangeShare(reading.exchanges)
        self._left_out: int | None = None  # from this packet on streams are not followed: there was no room
        self._told = 0  # events
        self._where: Locator | None = None

    @property
    def tunnels(self) -> list[tuple[Exchange, Side, Text | Gap]]:
        """What CONNECT streams carry, in order; whoever takes it empties it."""
        return self.shared.tunnels

    def feed(
        self,
        stream_id: int,
        side: Side,
        texts: Iterable[Text | Gap],
        *,
        fin: bool,
        reset_code: int | None,
        where: Locator,
    ) -> None:
        """Take what ``side`` sent on a stream since the last call; ``close`` judges resets."""
        self._where = where
        stream = self._streams.get((stream_id, side))
        if stream is None:
            stream = self._streams[stream_id, side] = self._opened(stream_id, side, where)
        if stream_id & _UNIDIRECTIONAL:
            self._one_way(stream, texts)
        elif not stream_id & _SERVER_INITIATED:
            self._messages(stream, texts)
        stream.fin = stream.fin or fin
        if stream.call is not None:
            self._drain(stream)
        if (fin or reset_code is not None) and not stream.queue:
            del self._streams[stream_id, side]

    def _opened(self, stream_id: int, side: Side, where: Locator) -> _Stream:
        call = None
        if not stream_id & (_UNIDIRECTIONAL | _SERVER_INITIATED):
            call = self._calls.get(stream_id)
            if call is None and self._has_room((), where):
                call = self._calls[stream_id] = StreamExchange(self.shared, stream_id)
        return _Stream(side, stream_id, call, where)

    def _has_room(self, fields: Sequence[tuple[str, str]], where: Locator) -> bool:
        """Whether one more message may be read; once there was no room, none may."""
        if self._left_out is None and not self._share.admits(fields):
            (self._left_out,), _ = where.locate([_NEWEST])
        return self._left_out is None

    def _messages(self, stream: _Stream, texts: Iterable[Text | Gap]) -> None:
        if stream.call is None:  # there was no room for it
            return
        parts = locate(stream.cutter.feed(texts), stream.where)
        if parts and (stream.queue or self._must_wait(parts, stream.side)):
            self._held += sum(len(part.payload) for part in parts)
        stream.queue.extend(parts)

    def _must_wait(self, parts: list[FramePart], side: Side) -> bool:
        return any(part.type == frames.HEADERS and self._decoders[side].waits(part.payload) for part in parts)

    # --- streams of one direction (RFC 9114 section 6.2) ---------------------------------------------

    def _one_way(self, stream: _Stream, texts: Iterable[Text | Gap]) -> None:
        pending = list(texts)
        if stream.kind is None:
            pending = self._find_kind(stream, pending)
        if stream.kind == _ENCODER:
            self._encoder(stream, pending)
        elif stream.kind == _CONTROL:
            for part in locate(stream.cutter.feed(pending), stream.where):
                self._control(part)
        elif stream.kind == _PUSH:
            self._messages(stream, pending)

    def _find_kind(self, stream: _Stream, texts: list[Text | Gap]) -> list[Text | Gap]:
        """Read the stream's type (and a push id); returns what follows."""
        while texts:
            item = texts.pop(0)
            if isinstance(item, Gap):
                stream.kind = -1  # it cannot be known what this stream is
                self._decoders[stream.side].forget(_HOLE)  # it may be the encoder's
                return []
            before = len(stream.head)
            stream.head += item[0][:16]
            kind, end = varint(stream.head)
            push = 0
            if end >= 0 and kind == _PUSH:
                push, end = varint(stream.head, end)
            if end < 0:
                continue
            stream.kind = kind
            if kind == _PUSH:
                stream.call = self._push(push, stream.number, stream.where)
            skip = end - before
            rest = item[0][skip:]
            return [(rest, item[1] + skip, item[2]), *texts] if rest else texts
        return []

    def _encoder(self, stream: _Stream, texts: list[Text | Gap]) -> None:
        decoder = self._decoders[stream.side]
        for item in texts:
            if isinstance(item, Gap):
                decoder.forget(_HOLE)
            else:
                decoder.feed(item[0])
        self._wake(stream.side)

    def _wake(self, side: Side) -> None:
        """Continue with the streams that waited."""
        for key, stream in list(self._waiting.items()):
            if key[1] == side:
                self._drain(stream)

    def _push(self, push: int, stream: int | None, where: Locator) -> StreamExchange | None:
        call = self._promised.get(push)
        if call is None:
            if not self._has_room((), where):
                return None
            call = self._promised[push] = StreamExchange(self.shared, 0)
            call.exchange.pushed, call.exchange.stream = True, None
        if stream is not None:
            call.exchange.stream = stream
        return call

    # --- frames -------------------------------------------------------------------------------------

    def _drain(self, stream: _Stream) -> None:
        """Handle the frames of a stream, up to one that must wait."""
        key, decoder = (stream.number, stream.side), self._decoders[stream.side]
        handled = 0
        for part in stream.queue:
            block = self._section(part)
            if block is not None and not part.missing and decoder.waits(block):
                self._waiting[key] = stream
                if self._held <= MOST_WAITING and len(self._waiting) <= MOST_BLOCKED:
                    break
                decoder.forget("too much waits for insertions into the table")
            handled += 1
            self._handle(stream, part, block)
        del stream.queue[:handled]
        if stream.call is not None and stream.call.connects:
            self.connects.setdefault(stream.number, [stream.where, stream.where])[stream.side] = stream.where
        if stream.queue:
            return
        if self._waiting.pop(key, None) is not None and not self._waiting:
            self._held = 0
        self._finish(stream)

    def _section(self, part: FramePart) -> bytes | None:
        """The field section in a frame, if it has one."""
        if part.type == frames.HEADERS:
            return part.payload
        if part.type == frames.PUSH_PROMISE:
            _, end = varint(part.payload)
            return part.payload[end:] if end >= 0 else b""
        return None

    def _handle(self, stream: _Stream, part: FramePart, section: bytes | None) -> None:
        call, decoder = stream.call, self._decoders[stream.side]
        if call is None:
            return
        if part.type == DATA:
            call.data(part.side, part.payload, part, part.missing, (stream.where, stream.where))
            return
        if section is None:
            return  # reserved, unknown, or one that does not belong here: passed over (section 9)
        block = decoder.decode(section)
        if part.missing:
            block = Block([], "the field section is not in the capture as a whole")
        too_large = part.missing and len(part.payload) >= MOST_PAYLOAD
        if too_large or not self._has_room(block.fields, stream.where):
            call.lost[part.side] = True
        elif part.type == frames.HEADERS:
            call.headers(part.side, block, part, _why(decoder))
        elif part.side == Side.SERVER:
            promised = self._push(varint(part.payload)[0], None, stream.where)
            if promised is not None and promised.exchange.request is None:
                promised.request(block, part).complete = True
                promised.ended[Side.CLIENT] = True

    def _finish(self, stream: _Stream) -> None:
        """Take the end of one direction of a stream."""
        call = stream.call
        if call is None:
            return
        if stream.cutter.lost:
            call.lost[stream.side] = True
        elif stream.fin and stream.cutter.within:
            call.note(stream.side, "the stream ends within a frame (RFC 9114 section 7.1)")
        elif stream.fin:
            call.end(stream.side)

    def _control(self, part: FramePart) -> None:
        """The control stream: RFC 9114 sections 6.2.1 and 7.2."""
        payload = part.payload
        if part.type == frames.SETTINGS:
            pairs = _pairs(payload)
            decoder = self._decoders[part.side.peer]
            if decoder.capacity is None:
                decoder.capacity = dict(reversed(pairs)).get(_QPACK_MAX_TABLE_CAPACITY, 0)
            self._event("settings", part, detail=code_names.settings(code_names.H3_SETTINGS, pairs))
            self._wake(part.side.peer)
        elif part.type == frames.GOAWAY:
            last = varint(payload)[0]
            if part.side == Side.SERVER:
                before = self._first_refused
                self._first_refused = last if before is None else min(before, last)
            self._event("goaway", part, last_stream=last)
        elif part.type == frames.CANCEL_PUSH:
            self._event("cancel_push", part, detail=f"push {varint(payload)[0]}")
        elif part.type == frames.MAX_PUSH_ID:
            self._event("max_push_id", part, detail=f"up to {varint(payload)[0]}")
        elif part.type in frames.PRIORITY_UPDATE:
            element, end = varint(payload)
            said = printable(payload[end:]) if end >= 0 else ""
            self._event("priority_update", part, stream=element, detail=said)

    def _event(
        self,
        kind: str,
        part: FramePart,
        *,
        stream: int | None = None,
        last_stream: int | None = None,
        detail: str = "",
    ) -> None:
        if self._told < MOST_EVENTS:
            self._told += 1
            self.events.append(
                StreamEvent(
                    kind, part.side, part.time_ns, part.packet, stream, last_stream=last_stream, detail=detail
                )
            )

    # --- the end ------------------------------------------------------------------------------------

    def close(self, facts: Connection) -> list[Exchange]:
        """The connection has ended. The resets of its streams are in ``facts.events``."""
        if self._where is None:
            return []
        for decoder in self._decoders:
            if decoder.capacity is None:
                decoder.forget("the SETTINGS that rule the table are not in the capture")
            else:
                decoder.forget("insertions into the table are not in the capture")
        for stream in list(self._waiting.values()):
            self._drain(stream)
        self._resets(facts)
        if self._left_out is not None:
            facts.undecrypted.append(Undecrypted(TOO_MANY, Side.CLIENT, self._left_out or None))
        for number, call in self._calls.items():
            call.refused = self._first_refused is not None and number >= self._first_refused
        facts.events = sorted([*facts.events, *self.events], key=lambda event: (event.time_ns, event.packet))
        self.events = []
        calls = [*self._calls.values(), *self._promised.values()]
        return close_all(calls, facts, (self._where, self._where))

    def _resets(self, facts: Connection) -> None:
        """Apply resets. STOP_SENDING by a client gives up the request; by a server, it rejects one."""
        by_stream = dict(self._calls)
        by_stream.update((c.exchange.stream, c) for c in self._promised.values() if c.exchange.stream)
        for event in facts.events:
            call = None if event.stream is None else by_stream.get(event.stream)
            if call is None:
                continue
            stops = event.kind == "stop_sending" and (event.side == Side.CLIENT or event.code == _REJECTED)
            if event.kind == "reset_stream" or stops:
                call.reset(event)


def _why(decoder: QpackDecoder) -> str:
    return decoder.unseen or "the SETTINGS that rule the table are not in the capture"


def _pairs(payload: bytes) -> list[tuple[int, int]]:
    """The identifiers and values of SETTINGS (RFC 9114 section 7.2.4)."""
    pairs: list[tuple[int, int]] = []
    at = 0
    while len(pairs) < 100:
        key, at = varint(payload, at)
        value, at = varint(payload, at) if at >= 0 else (0, -1)
        if at < 0:
            return pairs
        pairs.append((key, value))
    return pairs
