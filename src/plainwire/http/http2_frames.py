"""One direction of an HTTP/2 connection: takes bytes, gives frames (RFC 9113 sections 3.4 and 4.1).

    START -> SYNC <-> (inside a frame)
      |        |
      +----> PROBE -> SYNC | LOST

``START`` looks for what a direction must begin with: the preface of a client, the SETTINGS of a server.
Without it the capture began in mid-connection, and ``PROBE`` looks whether the bytes form a plausible chain
of frames: ``CHAIN`` headers that follow each other, each valid for its type. First from where the bytes
begin, as frames often begin where a segment does, then from any place behind it. ``LOST`` skips everything
up to the next gap, after which it probes again.

DATA is given as it comes, in parts; all other frames are given whole. Without TLS, a gap inside the payload
of a frame is subtracted from its length (``FramePart.missing``), so that the number of bytes is known.
"""

from __future__ import annotations

import enum
import re
from itertools import islice
from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire import kernel
from plainwire.model import Gap, Side

if TYPE_CHECKING:
    from collections.abc import Iterable

    from plainwire._kernel import FrameRun
    from plainwire.http.http1 import Locator
    from plainwire.model import Text

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HEADER = 9
CHAIN = 3
MOST_PAYLOAD = 1 << 20
"""Bytes that are kept of a frame other than DATA; the rest of a larger one is only counted."""

_MOST_PROBED = 256 << 10

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = (
    range(10)
)
ALTSVC, ORIGIN, PRIORITY_UPDATE = 0xA, 0xC, 0x10
"""RFC 7838 section 4, RFC 8336 section 2, RFC 9218 section 7.1."""

JOINED_LATE, HOLE = -1, -2
"""Not a frame: frames before this point were missed, because of the capture's start or a gap in it."""
LARGE = -3
"""Not a frame: the header of one that is larger than every receiver allows (RFC 9113 section 4.2)."""
LARGEST_ALWAYS = 1 << 14
_MOST_QUOTED = 80  # bytes of what is no frame

END_STREAM = ACK = 0x1
END_HEADERS, PADDED, PRIORITIZED = 0x4, 0x8, 0x20

_FLAGS = {DATA: 0x9, HEADERS: 0x2D, SETTINGS: 0x1, PUSH_PROMISE: 0xC, PING: 0x1, CONTINUATION: 0x4}
_SIZES = {PRIORITY: 5, RST_STREAM: 4, PING: 8, WINDOW_UPDATE: 4}
_ON_STREAM = frozenset((DATA, HEADERS, PRIORITY, RST_STREAM, PUSH_PROMISE, CONTINUATION))
_ON_CONNECTION = frozenset((SETTINGS, PING, GOAWAY, ORIGIN, PRIORITY_UPDATE))
_KNOWN = _ON_STREAM | _ON_CONNECTION | {WINDOW_UPDATE, ALTSVC}
_LARGEST_USUAL = 1 << 16  # few peers allow frames larger than 2^14
_MOST_IN_ROW = 64
_LARGEST_ERROR = 0xFF  # fourteen are registered (RFC 9113 section 7)
_MAY_BE_HEADER = re.compile(rb"(?=\0..[\0-\x0a\x0c\x10][\0-\x2d][\0-\x7f]...)", re.DOTALL).finditer
_MOST_TRIED = 1 << 12
"""Places at which a frame may begin that are looked at; each costs some microseconds."""


class FramePart(Struct):
    """A frame, or a part of a DATA frame. ``start`` and ``end`` are the offsets of its carrier."""

    side: Side
    type: int
    flags: int
    stream: int
    payload: bytes
    first: bool
    last: bool
    start: int
    end: int
    size: int = 0  # of the payload on the wire, with padding, of this part
    missing: int = 0  # bytes that are not in the capture (or, of more than MOST_PAYLOAD, were not kept)
    packet: int = 0
    time_ns: int = 0
    last_packet: int = 0
    last_ns: int = 0
    held_until: int = (
        -1
    )  # the end of the text that showed where the first frame begins, for what waited for it
    seen_packet: int = 0  # the packet after which this could be read


def locate(parts: list[FramePart], where: Locator) -> list[FramePart]:
    """Set the packets and times of the first and last bytes of one side's parts."""
    if parts:
        numbers, times = where.locate([p.start for p in parts] + [p.end - 1 for p in parts])
        count = len(parts)
        for index, part in enumerate(parts):
            part.packet, part.time_ns = numbers[index], times[index]
            part.last_packet, part.last_ns = numbers[count + index], times[count + index]
            part.seen_packet = part.last_packet
        held = [part for part in parts if part.held_until >= 0]
        if held:
            numbers, _ = where.locate([part.held_until - 1 for part in held])
            for part, number in zip(held, numbers, strict=True):
                part.seen_packet = number
        seen = 0
        for part in parts:  # what came behind a late packet could only be read after that
            seen = part.seen_packet = max(seen, part.seen_packet)
    return parts


class Sync(enum.IntEnum):
    """See the module's essay."""

    START = 0
    SYNC = 1
    PROBE = 2
    LOST = 3


class FrameReader:
    """Splits one side's bytes into frames. ``begun``: the first byte is the first of HTTP/2."""

    def __init__(self, side: Side, *, begun: bool = False) -> None:
        self.sync = Sync.SYNC if begun and side == Side.SERVER else Sync.START
        self.lost = False  # some frames were not seen
        self.position = 0
        self.side = side
        self._held: list[Text] = []  # while looking for the beginning
        self._held_size = 0
        self._wanted = 1  # so many bytes before another look makes sense
        self._exact = False  # the text is clear
        self._carry = b""  # of a frame's header
        self._start = 0  # of the frame that is being read
        self._payload = bytearray()
        self._type = self._flags = self._stream = self._left = self._missing = self._size = 0
        self._inside = False
        self._first = False
        self._padding: int | None = None  # of the DATA frame that is being read, None before it is known
        self._parts: list[FramePart] = []
        self.prefaced = False  # the client's preface was seen
        self._odd = False  # it did not begin as it has to
        self.instead = b""
        """The first bytes of this direction where they are not those with which it has to begin."""

    @property
    def lowest_needed(self) -> int:
        """The lowest stream offset that a future part can refer to."""
        if self._held:
            return self._held[0][1]
        return self._start if self._inside or self._carry else self.position - 1

    def feed(self, items: Iterable[Text | Gap]) -> list[FramePart]:
        """Take more bytes, in order; returns the parts that are complete."""
        for item in items:
            if isinstance(item, Gap):
                self._gap(item)
            else:
                self._text(item)
        parts, self._parts = self._parts, []
        return parts

    def feed_runs(self, items: list[Text | Gap]) -> list[FramePart | FrameRun]:
        """The same, where the kernel cuts whole frames; it also reads its runs of them (``Streams``)."""
        cut_frames = kernel.compiled.cut_frames if kernel.compiled is not None else None
        parts: list[FramePart | FrameRun] = []
        index = at = 0
        while index < len(items):
            if cut_frames is not None and self.sync is Sync.SYNC and not self._inside and not self._carry:
                before = index
                run, index, at = cut_frames(items, self.side, index, at)
                if index > before:
                    self.position = items[index - 1][2]
                if run is not None:
                    parts.append(run)
                if index == len(items):
                    break
            item = items[index]
            if isinstance(item, Gap):
                self._gap(item)
            elif self.sync is Sync.SYNC:
                at = self._cut(item, at, one=True)
                if at < len(item[0]):
                    parts += self._parts
                    self._parts = []
                    continue
                self.position = item[2]
            else:
                self._text(item)
            parts += self._parts
            self._parts = []
            index, at = index + 1, 0
        return parts

    def close(self) -> list[FramePart]:
        """The stream has ended: a chain of fewer frames counts if there is nothing else."""
        if self._held:
            data = b"".join(text[0] for text in self._held)
            at = find_chain(data, whole=True)
            if at < 0:
                self._give_up()
            else:
                self._release(at, len(data))
        parts, self._parts = self._parts, []
        return parts

    # --- finding the first frame ------------------------------------------------------------------

    def _text(self, text: Text) -> None:
        if self.sync is Sync.SYNC:
            self._cut(text, 0)
        elif self.sync is not Sync.LOST:
            self._held.append(text)
            self._held_size += len(text[0])
            if self._held_size >= self._wanted:
                self._look()
        self.position = text[2]

    def _look(self) -> None:
        data = b"".join(text[0] for text in self._held) if len(self._held) > 1 else self._held[0][0]
        if self.sync is Sync.START and not self._begins(data):
            return
        if self.sync is Sync.PROBE:
            count, end = chain(data)
            self._wanted = end + HEADER
            at = 0 if count >= CHAIN else -1
            if count < 0:  # it begins in the middle of a frame
                at, end, self._wanted = find_chain(data), len(data), 2 * len(data)
            if at >= 0:
                self._release(at, min(end, len(data)))
            elif len(data) > _MOST_PROBED or (count >= 0 and self._wanted > _MOST_PROBED):
                self._give_up()

    def _begins(self, data: bytes) -> bool:
        """Whether the beginning of this direction is decided; a regular one is then read on from."""
        if self.side == Side.CLIENT:
            if data.startswith(PREFACE):
                self.prefaced = True
                self._release(len(PREFACE), len(PREFACE))
                return True
            if PREFACE.startswith(data):
                return False
        else:
            if len(data) < HEADER:
                return False
            if begins_settings(data) or _begins_goaway(data):
                self._release(0, HEADER)
                return True
        self.sync, self.lost = Sync.PROBE, True
        self._odd = True
        self._mark(JOINED_LATE, self._held[0][1])
        return True

    def _release(self, skip: int, decided: int) -> None:
        """Read what was held back, of which the first ``decided`` bytes were needed to know what it is."""
        self.sync, self._wanted = Sync.SYNC, 1
        held, self._held, self._held_size = self._held, [], 0
        before, until = len(self._parts), 0
        for text in held:
            size = len(text[0])
            if decided > 0:
                until = text[1] + decided if decided < size == text[2] - text[1] else text[2]
            if skip < size:
                self._cut(text, skip)
            skip, decided = max(0, skip - size), decided - size
        for part in self._parts[before:]:
            part.held_until = max(until, part.end)

    def _give_up(self) -> None:
        if self._odd:
            self.instead = b"".join(text[0] for text in self._held)[:_MOST_QUOTED]
        self._held, self._held_size, self._wanted = [], 0, 1
        self.sync, self.lost = Sync.LOST, True

    # --- cutting ----------------------------------------------------------------------------------

    def _cut(self, text: Text, at: int, *, one: bool = False) -> int:
        """Read a text from ``at`` on; ``one``: up to the end of the first frame. Returns where that is."""
        data, start, end = text
        size = len(data)
        exact = self._exact = end - start == size
        while at < size:
            if not self._inside:
                if not self._carry:
                    self._start = start + at if exact else start
                taken = min(HEADER - len(self._carry), size - at)
                self._carry += data[at : at + taken]
                at += taken
                if len(self._carry) < HEADER:
                    return at
                self._open(start + at if exact else end)
                if one and not self._inside:
                    return at
                continue
            taken = min(self._left, size - at)
            begin = start + at if exact else start
            part = data[at : at + taken] if taken < size else data
            at += taken
            self._left -= taken
            self._take(part, begin, start + at if exact else end)
            if one and not self._inside:
                return at
        return at

    def _open(self, end: int) -> None:
        """Read a frame's header."""
        head, self._carry = self._carry, b""
        self._left = self._size = int.from_bytes(head[:3])
        self._type, self._flags = head[3], head[4]
        self._stream = int.from_bytes(head[5:]) & 0x7FFFFFFF
        if self._size > LARGEST_ALWAYS:
            self._mark(LARGE, self._start, self._size)
        self._inside, self._first, self._missing = True, True, 0
        self._padding = None if self._type == DATA and self._flags & PADDED else 0
        if not self._left:
            self._end(end)

    def _take(self, part: bytes, start: int, end: int) -> None:
        if self._type == DATA:
            self._data(part, start, end)
            return
        room = MOST_PAYLOAD - len(self._payload)
        self._payload += part[:room]
        self._missing += max(0, len(part) - room)
        if not self._left:
            self._end(end)

    def _data(self, part: bytes, start: int, end: int) -> None:
        size = len(part)
        if self._padding is None:
            self._padding = part[0]
            part = part[1:]
        if self._padding:  # the last bytes of the frame
            part = part[: max(0, len(part) - max(0, self._padding - self._left))]
        self._emit(part, self._start if self._first else start, end, size)

    def _emit(self, payload: bytes, start: int, end: int, size: int) -> None:
        last = not self._left
        self._parts.append(
            FramePart(
                self.side, self._type, self._flags, self._stream, payload, self._first, last, start, end,
                size, self._missing,
            )
        )  # fmt: skip
        self._first, self._missing = False, 0
        self._inside = not last

    def _end(self, end: int) -> None:
        payload = bytes(self._payload)
        self._payload.clear()
        self._emit(payload, self._start, end, self._size)

    def _gap(self, gap: Gap) -> None:
        """Bytes are missing: without TLS, and within one frame's payload, they are only counted."""
        if self.sync is Sync.SYNC and self._inside and self._exact and gap.length <= self._left:
            self._left -= gap.length
            self._missing += gap.length
            self.position = gap.offset + gap.length
            if self._type == DATA:
                self._padding = self._padding or 0
                self._emit(b"", self._start if self._first else gap.offset, self.position, gap.length)
            elif not self._left:
                self._end(self.position)
            return
        self.position = gap.offset
        self._held, self._held_size, self._wanted = [], 0, 1
        self._carry, self._inside = b"", False
        self._payload.clear()
        self.sync, self.lost = Sync.PROBE, True
        self._mark(HOLE, gap.offset)

    def _mark(self, kind: int, offset: int, size: int = 0) -> None:
        stream = self._stream if kind == LARGE else 0
        self._parts.append(
            FramePart(
                self.side,
                kind,
                0,
                stream,
                b"",
                first=True,
                last=True,
                start=offset,
                end=offset + 1,
                size=size,
            )
        )


def begins_settings(data: bytes) -> bool:
    """Whether bytes begin as a server of HTTP/2 has to: with a SETTINGS frame (RFC 9113 section 3.4)."""
    head = data[:HEADER]
    return len(head) == HEADER and head[3] == SETTINGS and not head[4] & ACK and chain(head)[0] == 1


def _begins_goaway(data: bytes) -> bool:
    """Whether a server begins with the end, and no SETTINGS before it: Jetty does at its idle limit."""
    head = data[:HEADER]
    return len(head) == HEADER and head[3] == GOAWAY and not head[4] and chain(head)[0] == 1


def find_chain(data: bytes, *, whole: bool = False) -> int:
    """Where a chain of frames begins in bytes from the middle of some; -1: none is found.

    ``whole``: nothing comes behind the data, and a chain of fewer frames counts that ends where they do.
    """
    for match in islice(_MAY_BE_HEADER(data), _MOST_TRIED):
        at = match.start()
        count, end = chain(data, at)
        found = count >= CHAIN or (whole and count > 1 and end == len(data))
        if found and _credible(data, at, CHAIN):
            return at
    return -1


def holds_chain(data: bytes) -> bool:
    """Whether bytes of an unknown protocol have frames in them, from some place on to their end.

    Three headers in a row are found by chance in the binary data of others, where numbers are small and zeros
    many. So all that follows must be frames too, and they must be such as are sent.
    """
    for match in islice(_MAY_BE_HEADER(data), _MOST_TRIED):
        at = match.start()
        count, end = _credible(data, at, _MOST_IN_ROW) or (0, 0)
        if count > CHAIN or (count == CHAIN and end == len(data)):
            return True
    return False


def _credible(data: bytes, at: int, most: int) -> tuple[int, int] | None:
    """Count the whole frames in a row, up to ``most``, and tell where they end; None: it only looks so.

    Nobody sends DATA without bytes that ends nothing, a CONTINUATION behind anything but the block that it
    continues (RFC 9113 section 6.10), a field block without a byte, an increment of 0, or error codes far
    beyond those that are registered.
    """
    open_block, count = None, 0
    while count < most and at + HEADER <= len(data):
        length, kind, flags = int.from_bytes(data[at : at + 3]), data[at + 3], data[at + 4]
        stream, payload = data[at + 5 : at + 9], data[at + HEADER : at + HEADER + length]
        if not _plausible(length, kind, flags, int.from_bytes(stream)):
            return None
        continues = kind == CONTINUATION
        if count and (open_block is not None or continues) and not (continues and open_block == stream):
            return None
        in_block = continues or kind in (HEADERS, PUSH_PROMISE)
        if not length and (in_block or (kind == DATA and not flags)):
            return None
        if (kind == WINDOW_UPDATE and payload == bytes(4)) or _error_code(kind, payload) > _LARGEST_ERROR:
            return None
        open_block = stream if in_block and not flags & END_HEADERS else None
        at += HEADER + length
        if at > len(data):
            break
        count += 1
    return count, at


def _error_code(kind: int, payload: bytes) -> int:
    """Of RST_STREAM and GOAWAY, as far as it is there; 0 of all others."""
    start = {RST_STREAM: 0, GOAWAY: 4}.get(kind)
    return 0 if start is None else int.from_bytes(payload[start : start + 4])


def chain(data: bytes, at: int = 0) -> tuple[int, int]:
    """Number of valid frame headers in a row, and the end of the last frame; -1: there can be none."""
    count = 0
    while at + HEADER <= len(data) and count < CHAIN:
        length, kind, flags = int.from_bytes(data[at : at + 3]), data[at + 3], data[at + 4]
        if not _plausible(length, kind, flags, int.from_bytes(data[at + 5 : at + 9])):
            return -1, at
        at += HEADER + length
        count += 1
    return count, at


def _plausible(length: int, kind: int, flags: int, stream: int) -> bool:
    """Whether these are possible fields of a frame header (RFC 9113 section 6)."""
    if kind not in _KNOWN or length > _LARGEST_USUAL or stream >> 31 or flags & ~_FLAGS.get(kind, 0):
        return False
    if (
        _SIZES.get(kind, length) != length
        or (kind == SETTINGS and length % 6)
        or (kind == GOAWAY and length < 8)
    ):
        return False
    return (stream != 0 if kind in _ON_STREAM else True) and (stream == 0 if kind in _ON_CONNECTION else True)
