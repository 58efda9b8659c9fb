"""One direction of one HTTP/3 stream: takes bytes, gives frames (RFC 9114 section 7.1).

Frames are ``FramePart``s as in HTTP/2, without flags: DATA comes in parts, others whole. A gap inside a
frame's payload is counted; after any other gap the stream is unreadable, since nothing in it marks the start
of a frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.http.http2_frames import DATA, MOST_PAYLOAD, FramePart
from plainwire.model import Gap

if TYPE_CHECKING:
    from collections.abc import Iterable

    from plainwire.model import Side, Text

HEADERS, CANCEL_PUSH, SETTINGS, PUSH_PROMISE, GOAWAY, MAX_PUSH_ID = 0x1, 0x3, 0x4, 0x5, 0x7, 0xD
PRIORITY_UPDATE = (0xF0700, 0xF0701)
"""RFC 9114 section 7.2; RFC 9218 section 7.2."""

_KEPT = frozenset((HEADERS, CANCEL_PUSH, SETTINGS, PUSH_PROMISE, GOAWAY, MAX_PUSH_ID, *PRIORITY_UPDATE))
_LONGEST_HEADER = 16


def varint(data: bytes, at: int = 0) -> tuple[int, int]:
    """An integer (RFC 9000 section 16) and where it ends; (0, -1) if it is incomplete."""
    if at >= len(data):
        return 0, -1
    size = 1 << (data[at] >> 6)
    if at + size > len(data):
        return 0, -1
    value = int.from_bytes(data[at : at + size]) & ((1 << (8 * size - 2)) - 1)
    return value, at + size


class StreamFrameReader:
    """Splits what one side sends on one stream into frames."""

    __slots__ = (
        "_carry",
        "_first",
        "_inside",
        "_left",
        "_missing",
        "_parts",
        "_payload",
        "_side",
        "_size",
        "_start",
        "_stream",
        "_type",
        "lost",
    )

    def __init__(self, side: Side, stream: int) -> None:
        self.lost = False
        self._side = side
        self._stream = stream
        self._carry = b""  # of a frame's header
        self._start = 0
        self._payload = bytearray()
        self._type = self._left = self._missing = self._size = 0
        self._inside = self._first = False
        self._parts: list[FramePart] = []

    @property
    def within(self) -> bool:
        """Whether the bytes so far end inside a frame."""
        return self._inside or bool(self._carry)

    def feed(self, items: Iterable[Text | Gap]) -> list[FramePart]:
        """Take more bytes, in order; returns the parts that are complete."""
        for item in items:
            if self.lost:
                break
            if isinstance(item, Gap):
                self._gap(item)
            else:
                self._cut(item)
        parts, self._parts = self._parts, []
        return parts

    def _cut(self, text: Text) -> None:
        data, start, _ = text
        at, size = 0, len(data)
        while at < size:
            if not self._inside:
                if not self._carry:
                    self._start = start + at
                at += self._header(data, at, start)
                continue
            taken = min(self._left, size - at)
            part = data[at : at + taken] if taken < size else data
            self._left -= taken
            self._take(part, start + at, start + at + taken)
            at += taken

    def _header(self, data: bytes, at: int, start: int) -> int:
        """Read a frame's type and length, or carry over an incomplete one; returns the bytes taken."""
        before = len(self._carry)
        head = self._carry + data[at : at + _LONGEST_HEADER - before]
        kind, end = varint(head)
        length, end = varint(head, end) if end >= 0 else (0, -1)
        if end < 0:
            self._carry = head
            return len(head) - before
        self._carry = b""
        self._type, self._left, self._size = kind, length, length
        self._inside, self._first, self._missing = True, True, 0
        taken = end - before
        if not length:
            self._end(start + at + taken)
        return taken

    def _take(self, part: bytes, start: int, end: int) -> None:
        if self._type == DATA:
            self._emit(part, self._start if self._first else start, end, len(part))
            return
        if self._type in _KEPT:
            room = MOST_PAYLOAD - len(self._payload)
            self._payload += part[:room]
            self._missing += max(0, len(part) - room)
        if not self._left:
            self._end(end)

    def _end(self, end: int) -> None:
        payload = bytes(self._payload)
        self._payload.clear()
        self._emit(payload, self._start, end, self._size)

    def _emit(self, payload: bytes, start: int, end: int, size: int) -> None:
        last = not self._left
        part = FramePart(
            self._side,
            self._type,
            0,
            self._stream,
            payload,
            self._first,
            last,
            start,
            end,
            size,
            self._missing,
        )
        self._parts.append(part)
        self._first, self._missing = False, 0
        self._inside = not last

    def _gap(self, gap: Gap) -> None:
        if not self._inside or gap.length > self._left:
            self.lost = True
            return
        self._left -= gap.length
        self._missing += gap.length
        if self._type == DATA:
            self._emit(b"", self._start if self._first else gap.offset, gap.offset + gap.length, gap.length)
        elif not self._left:
            self._end(gap.offset + gap.length)
