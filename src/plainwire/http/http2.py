"""An HTTP/2 connection (RFC 9113): takes both sides' bytes, gives exchanges and events.

Frames of both sides are sorted by the packets that completed them, so that the result does not depend on how
the bytes were passed in. Header blocks change the state of their direction's decoder, whatever happens to
their stream, so none may be skipped. If one was not seen (a gap, or a capture that began in mid-connection)
the decoder forgets its table, and fields that cannot be known are marked so.
"""

from __future__ import annotations

import base64
import binascii
from collections import OrderedDict
from typing import TYPE_CHECKING

from plainwire.http import code_names, http2_frames
from plainwire.http.exchange_room import TOO_MANY, ExchangeShare
from plainwire.http.hpack import Block, HpackDecoder
from plainwire.http.http1_fields import printable
from plainwire.http.http2_compiled import plain_streams
from plainwire.http.http2_flow import Windows
from plainwire.http.http2_frames import FramePart, FrameReader, Sync, locate
from plainwire.http.stream_exchange import StreamContext, StreamExchange, close_all
from plainwire.model import Side, StreamEvent, Undecrypted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from plainwire.http.http1 import Locator
    from plainwire.http.reading import Reading
    from plainwire.http.stream_exchange import CallState
    from plainwire.model import Connection, Exchange, Gap, Request, Response, Text

MOST_EVENTS = 10_000
"""Events that are kept for one connection; resets are also noted at their exchange."""

MOST_GOAWAYS = 100
"""GOAWAYs of one connection that are kept in any case."""

_MOST_SAID = 300
_REFUSED_STREAM = 0x7
_JOINED_LATE = "the capture began in mid-connection"
_HOLE = "bytes are missing from the capture"
_HEADER_TABLE_SIZE, _INITIAL_WINDOW_SIZE = 0x1, 0x4
_ENABLE_PUSH, _MAX_FRAME_SIZE = 0x2, 0x5
_IN_BLOCK = (http2_frames.CONTINUATION, http2_frames.HOLE, http2_frames.JOINED_LATE, http2_frames.LARGE)
_NOTHING: tuple[Text | Gap, ...] = ()


_HANDLERS = {
    http2_frames.DATA: "_data",
    http2_frames.HEADERS: "_headers",
    http2_frames.RST_STREAM: "_rst_stream",
    http2_frames.SETTINGS: "_settings",
    http2_frames.PUSH_PROMISE: "_push_promise",
    http2_frames.PING: "_ping",
    http2_frames.GOAWAY: "_goaway",
    http2_frames.WINDOW_UPDATE: "_window_update",
    http2_frames.CONTINUATION: "_continuation",
    http2_frames.ALTSVC: "_altsvc",
    http2_frames.ORIGIN: "_origin",
    http2_frames.PRIORITY_UPDATE: "_priority_update",
    http2_frames.JOINED_LATE: "_missed",
    http2_frames.HOLE: "_missed",
    http2_frames.LARGE: "_large",
}
"""Methods by type of frame. By name: a reader that held them would hold itself."""


class _Block:
    """An incomplete header block: HEADERS or PUSH_PROMISE and its CONTINUATIONs."""

    def __init__(self, part: FramePart, stream: int, fragment: bytes) -> None:
        self.first = part
        self.stream = stream  # that the fields belong to
        self.fragments = [fragment]
        self.size = len(fragment)
        self.missing = bool(part.missing)


class FewStreams:
    """The streams that ended last: their late frames must not begin a new exchange."""

    MOST = 10_000

    def __init__(self) -> None:
        self.streams: OrderedDict[int, None] = OrderedDict()

    def add(self, stream: int) -> None:
        """Add a stream that has ended."""
        self.streams[stream] = None
        if len(self.streams) > self.MOST:
            self.streams.popitem(last=False)

    def __contains__(self, stream: int) -> bool:
        return stream in self.streams


class Http2:
    """Reads a connection from its preface, or after the 101 response to ``upgraded`` (RFC 7540, 3.2).

    ``events`` and ``tunnels`` are outboxes: what frames say apart from messages, and the data of CONNECT
    streams.
    """

    def __init__(self, reading: Reading, *, upgraded: Request | None = None) -> None:
        begun = upgraded is not None
        self.events: list[StreamEvent] = []
        self.shared = StreamContext("h2", "HTTP/2", _REFUSED_STREAM, reading)
        self._cutters = FrameReader(Side.CLIENT, begun=begun), FrameReader(Side.SERVER, begun=begun)
        self._decoders = HpackDecoder(), HpackDecoder()
        self._blocks: list[_Block | None] = [None, None]
        self._calls: dict[int, StreamExchange] = {}  # that may still get frames
        self._done = FewStreams()
        self._all: list[StreamExchange] = []
        self._finished: list[Exchange] = []  # complete, read by the kernel
        self._plain = plain_streams(reading)
        self._intact: tuple[list[StreamExchange], list[StreamExchange]] = (
            [],
            [],
        )  # by side, since its last hole
        self._behind_hole = [False, False]
        self._websockets: list[StreamExchange] = []
        self._share = ExchangeShare(reading.exchanges)
        self._left_out: int | None = None  # from this packet on streams are not followed: there was no room
        self._told = [0, 0]  # events, and GOAWAYs among them
        self._windows = Windows()
        self._where: tuple[Locator, Locator] | None = None
        self._last_streams: list[int | None] = [None, None]  # of GOAWAYs, by sender
        self._largest = http2_frames.LARGEST_ALWAYS  # bytes of a frame that the client takes
        self._push = [True, True]  # whether it takes pushes: what it said, and what the server confirmed
        self._stray: FramePart | None = None  # where the server did not begin with SETTINGS
        if upgraded is not None:
            self._begin_upgraded(upgraded)

    @property
    def tunnels(self) -> list[tuple[Exchange, Side, Text | Gap]]:
        """The data of CONNECT streams, in order; the reader empties it."""
        return self.shared.tunnels

    def _begin_upgraded(self, request: Request) -> None:
        """The request that asked for the upgrade is stream 1 (RFC 7540 section 3.2)."""
        call = self._add(1)
        call.exchange.request = request
        call.ended[Side.CLIENT] = True
        for name, value in request.headers:
            if name.lower() == "http2-settings":
                try:
                    payload = base64.urlsafe_b64decode(value + "==")
                except (ValueError, binascii.Error):
                    continue
                self._apply(Side.CLIENT, _pairs(payload))

    def feed(
        self, client: Iterable[Text | Gap], server: Iterable[Text | Gap], where: tuple[Locator, Locator]
    ) -> None:
        """Take what both sides sent since the last call."""
        self._where = where
        ours, theirs = self._cutters
        if self._plain is not None:
            self._plain.take(self, ours.feed_runs([*client]), theirs.feed_runs([*server]), where)
        else:
            self._take([ours.feed(client), theirs.feed(server)], where)

    def _take(self, sides: list[list[FramePart]], where: tuple[Locator, Locator]) -> None:
        parts = [part for side, locator in zip(sides, where, strict=True) for part in locate(side, locator)]
        parts.sort(key=lambda part: part.seen_packet)
        for part in parts:
            self._take_part(part)

    def _take_part(self, part: FramePart) -> None:
        handler = _HANDLERS.get(part.type)
        if self._behind_hole[part.side] and part.type >= 0:
            self._behind_hole[part.side] = False
            self._lose_open(part.side)  # those too that were opened while the frames were sent
        if self._blocks[part.side] is not None and part.type not in _IN_BLOCK:
            self._break_block(part.side, "another frame stands within a header block (section 6.10)")
        if handler is not None:
            getattr(self, handler)(part)

    def looked_up_to(self) -> tuple[int, int]:
        """Below these offsets of the client's and the server's stream nothing will be looked up again."""
        low = [cutter.lowest_needed for cutter in self._cutters]
        for call in self._websockets:
            if call.websocket is not None:
                low = [min(pair) for pair in zip(low, call.websocket.looked_up_to(), strict=True)]
        return low[0], low[1]

    # --- messages -----------------------------------------------------------------------------------

    def _add(self, stream: int) -> StreamExchange:
        call = StreamExchange(self.shared, stream)
        self._calls[stream] = call
        for calls in (self._all, *self._intact):
            calls.append(call)
        return call

    def _adopt(
        self,
        stream: int,
        request: Request | None,
        response: Response | None,
        ended: list[bool],
        grpc: CallState | None,
    ) -> None:
        """Follow a stream from here on that the kernel has read so far."""
        self._add(stream).resume(request, response, ended, grpc)

    def _headers(self, part: FramePart) -> None:
        fragment = _unpadded(part)
        if part.flags & http2_frames.PRIORITIZED:
            fragment = fragment[5:]
        self._begin_block(_Block(part, part.stream, fragment))

    def _push_promise(self, part: FramePart) -> None:
        payload = _unpadded(part)
        promised = int.from_bytes(payload[:4]) & 0x7FFFFFFF
        if not any(self._push) and part.side == Side.SERVER:
            self._breach(part, "PUSH_PROMISE, which the client's SETTINGS had forbidden (section 8.4)")
        if part.side == Side.CLIENT or len(payload) < 4:
            self._decoders[part.side].forget("a PUSH_PROMISE frame that cannot be one")
            return
        self._begin_block(_Block(part, promised, payload[4:]))

    def _begin_block(self, block: _Block) -> None:
        part = block.first
        self._blocks[part.side] = block
        if part.flags & http2_frames.END_HEADERS:
            self._end_block(block, part)

    def _continuation(self, part: FramePart) -> None:
        block = self._blocks[part.side]
        if block is None or block.first.stream != part.stream:
            self._break_block(part.side, "a CONTINUATION frame that continues nothing")
            return
        if part.missing:
            block.missing = True
        block.size += len(part.payload)
        if block.size > http2_frames.MOST_PAYLOAD or len(block.fragments) > 10_000:
            self._leave_block(block, part)
            return
        block.fragments.append(part.payload)
        if part.flags & http2_frames.END_HEADERS:
            self._end_block(block, part)

    def _leave_block(self, block: _Block, part: FramePart) -> None:
        """What a header block said that is too large to be kept, and with it the message, is not known."""
        self._break_block(part.side, "a header block is too large to be kept")
        call = self._calls.get(block.stream)
        if call is not None:
            call.lost[part.side] = True
            if block.first.flags & http2_frames.END_STREAM:
                self._end(call, part)

    def _break_block(self, side: Side, why: str) -> None:
        self._decoders[side].forget(why)
        self._blocks[side] = None

    def _end_block(self, block: _Block, last: FramePart) -> None:
        first = block.first
        self._blocks[first.side] = None
        if last is not first:
            first.end, first.last_packet, first.last_ns = last.end, last.last_packet, last.last_ns
        decoder = self._decoders[first.side]
        if block.missing:
            decoder.forget(_HOLE)
            decoded = Block([], "the header block is not in the capture as a whole")
        else:
            decoded = decoder.decode(b"".join(block.fragments))
        call = self._calls.get(block.stream)
        if call is None and (not block.stream or block.stream in self._done or self._left_out is not None):
            return
        if not self._share.admits(decoded.fields):
            self._leave_out(call, first)
            return
        if call is None:
            call = self._add(block.stream)
        if first.type == http2_frames.PUSH_PROMISE:
            call.exchange.pushed = True
            call.request(decoded, first).complete = True
            call.ended[Side.CLIENT] = True
            return
        plain = call.websocket is None
        call.headers(first.side, decoded, first, decoder.unseen)
        if plain and call.websocket is not None:
            self._websockets.append(call)
        if first.flags & http2_frames.END_STREAM:
            self._end(call, first)
        else:
            self._windows.opened(first)

    def _leave_out(self, call: StreamExchange | None, part: FramePart) -> None:
        """There is no room for a header block, nor for later streams."""
        if self._left_out is None:
            self._left_out = part.packet
        if call is not None:
            call.lost[part.side] = True
            if part.flags & http2_frames.END_STREAM:
                self._end(call, part)

    def _data(self, part: FramePart) -> None:
        self._windows.sent(part)
        call = self._calls.get(part.stream)
        if call is None or self._where is None:
            return
        call.data(part.side, part.payload, part, part.missing, self._where)
        if part.last and part.flags & http2_frames.END_STREAM:
            self._end(call, part)

    def _end(self, call: StreamExchange, part: FramePart) -> None:
        call.end(part.side, part)
        if all(call.ended):
            self._calls.pop(part.stream, None)
            self._done.add(part.stream)
            self._windows.forget(part.stream)

    def _missed(self, part: FramePart) -> None:
        """Frames of one side were missed."""
        late = part.type == http2_frames.JOINED_LATE
        if late and part.side == Side.SERVER:
            self._stray = part
        self._decoders[part.side].forget(_JOINED_LATE if late else _HOLE)
        self._decoders[part.side.peer].allowed = None  # SETTINGS may have been among them
        self._blocks[part.side] = None
        self._windows.forget_all()
        self._behind_hole[part.side] = True
        self._lose_open(part.side)

    def _lose_open(self, side: Side) -> None:
        """Missed frames may belong to any stream that ``side`` has not ended."""
        for call in self._intact[side]:
            if not call.ended[side]:
                call.lost[side] = True
        self._intact[side].clear()

    # --- what the server may not do ---------------------------------------------------------------------

    def _breach(self, part: FramePart, detail: str) -> None:
        """The server broke a rule that no message shows."""
        self._event("breach", part, stream=part.stream or None, detail=detail)

    def _large(self, part: FramePart) -> None:
        if part.side == Side.SERVER and part.size > self._largest and not self._decoders[part.side].unseen:
            self._breach(
                part, f"a frame of {part.size} bytes, and the client takes {self._largest} (section 4.2)"
            )

    # --- beside messages ----------------------------------------------------------------------------

    def _event(
        self,
        kind: str,
        part: FramePart,
        *,
        stream: int | None = None,
        code: int | None = None,
        last_stream: int | None = None,
        detail: str = "",
        said: str = "",
    ) -> StreamEvent:
        name = "" if code is None else code_names.h2_error(code)
        event = StreamEvent(
            kind, part.side, part.time_ns, part.packet, stream, code, name, last_stream, detail, said
        )
        goaway = kind == "goaway"
        if self._told[0] < MOST_EVENTS or (goaway and self._told[1] < MOST_GOAWAYS):
            self.events.append(event)
            self._told[0] += 1
            self._told[1] += goaway
        return event

    def _rst_stream(self, part: FramePart) -> None:
        code = int.from_bytes(part.payload[:4])
        event = self._event("rst_stream", part, stream=part.stream, code=code)
        call = self._calls.get(part.stream)
        if call is not None:
            call.reset(event)
            self._windows.forget(part.stream)

    def _goaway(self, part: FramePart) -> None:
        payload = part.payload
        if len(payload) < 8:
            return
        last, code = int.from_bytes(payload[:4]) & 0x7FFFFFFF, int.from_bytes(payload[4:8])
        debug = payload[8:]
        said = debug[:_MOST_SAID].decode("utf-8", "replace")
        self._event(
            "goaway", part, code=code, last_stream=last, detail=printable(debug) if debug else "", said=said
        )
        before = self._last_streams[part.side]
        self._last_streams[part.side] = last if before is None else min(before, last)

    def _settings(self, part: FramePart) -> None:
        if part.flags & http2_frames.ACK:
            self._event("settings", part, detail="acknowledgment")
            if part.side == Side.SERVER:
                self._push[1] = self._push[0]
            return
        pairs = _pairs(part.payload)
        self._event("settings", part, detail=code_names.settings(code_names.H2_SETTINGS, pairs))
        self._apply(part.side, pairs)

    def _apply(self, side: Side, pairs: list[tuple[int, int]]) -> None:
        """Apply a side's SETTINGS, which limit what the other side sends."""
        decoder = self._decoders[side.peer]
        for key, value in pairs:
            if key == _HEADER_TABLE_SIZE and decoder.allowed is not None:
                decoder.allowed = max(decoder.allowed, value)
            elif key == _INITIAL_WINDOW_SIZE:
                self._windows.initial[side.peer] = value
            elif side == Side.CLIENT and key == _MAX_FRAME_SIZE:
                self._largest = max(self._largest, value)
            elif side == Side.CLIENT and key == _ENABLE_PUSH:
                self._push[0] = value != 0

    def _window_update(self, part: FramePart) -> None:
        if self._windows.update(part, self._event) and part.side == Side.SERVER:
            self._breach(part, "WINDOW_UPDATE raises the window above 2^31-1 (section 6.9.1)")

    def _ping(self, part: FramePart) -> None:
        self._event("ping", part, detail="acknowledgment" if part.flags & http2_frames.ACK else "")

    def _altsvc(self, part: FramePart) -> None:
        size = int.from_bytes(part.payload[:2])
        self._event("altsvc", part, stream=part.stream or None, detail=printable(part.payload[2 + size :]))

    def _origin(self, part: FramePart) -> None:
        self._event("origin", part, detail=printable(part.payload))

    def _priority_update(self, part: FramePart) -> None:
        stream = int.from_bytes(part.payload[:4]) & 0x7FFFFFFF
        self._event("priority_update", part, stream=stream, detail=printable(part.payload[4:]))

    # --- the end ------------------------------------------------------------------------------------

    def close(self, facts: Connection, where: tuple[Locator, Locator]) -> list[Exchange]:
        """The connection has ended: every exchange gets its outcome; events go into ``facts``."""
        self.feed(_NOTHING, _NOTHING, where)
        rest = [cutter.close() for cutter in self._cutters]
        if self._plain is not None:
            self._plain.take(self, rest[0], rest[1], where)
            self._plain.leave(self)
        else:
            self._take(rest, where)
        self._windows.close(self._event)
        for cutter in self._cutters:
            if cutter.sync is not Sync.SYNC and cutter.lost:
                for call in self._all:
                    call.lost[cutter.side] = call.lost[cutter.side] or not call.ended[cutter.side]
        server_speaks = self._cutters[Side.SERVER].sync is Sync.SYNC
        if self._stray is not None and self._cutters[Side.CLIENT].prefaced and not server_speaks:
            instead = self._cutters[Side.SERVER].instead
            self._event("no_frames", self._stray, said=instead.decode("utf-8", "replace"))
        # What was held until a beginning was found is told late.
        facts.events = sorted([*facts.events, *self.events], key=lambda e: (e.time_ns, e.packet, e.side))
        self.events = []
        if self._left_out is not None:
            facts.undecrypted.append(Undecrypted(TOO_MANY, Side.CLIENT, self._left_out or None))
        for call in self._all:
            call.refused = self._is_refused(call.exchange)
        return close_all(self._all, facts, where, self._finished)

    def _is_refused(self, exchange: Exchange) -> bool:
        """RFC 9113 section 6.8: streams above a GOAWAY's last stream were not processed."""
        last = self._last_streams[Side.CLIENT if exchange.pushed else Side.SERVER]
        return last is not None and (exchange.stream or 0) > last


def _unpadded(part: FramePart) -> bytes:
    """The payload without its padding (RFC 9113 section 6.1)."""
    payload = part.payload
    if not part.flags & http2_frames.PADDED or not payload:
        return payload
    return payload[1 : max(1, len(payload) - payload[0])]


def _pairs(payload: bytes) -> list[tuple[int, int]]:
    """The identifiers and values of SETTINGS (RFC 9113 section 6.5.1)."""
    whole = len(payload) - len(payload) % 6
    return [
        (int.from_bytes(payload[at : at + 2]), int.from_bytes(payload[at + 2 : at + 6]))
        for at in range(0, min(whole, 600), 6)
    ]
