"""HTTP/2 without secrets (RFC 9113): frames as they were, header blocks and bodies with marks.

What tells of the connection stays: SETTINGS, PING, WINDOW_UPDATE, PRIORITY, RST_STREAM, GOAWAY but for its
words, and the length of everything. Frames of other kinds are hidden, and so is all that follows a hole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from plainwire.http import http2_frames as frames
from plainwire.http.semantics import value_of
from plainwire.share.hpack_text import HpackText
from plainwire.share.http1_text import body_of
from plainwire.share.websocket_text import WebSocketText

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.share.hiding import Hider
    from plainwire.share.wire_text import WireText

    Fields = list[tuple[str, str]]

_AS_THEY_ARE = frozenset(
    (frames.SETTINGS, frames.PING, frames.WINDOW_UPDATE, frames.PRIORITY, frames.RST_STREAM)
)
_GOAWAY_FIXED, _PRIORITY_FIXED, _PROMISE_FIXED = 8, 5, 4
_GRPC_PREFIX = 5


class _Frame(NamedTuple):
    kind: int
    flags: int
    stream: int
    start: int
    """Of its payload."""
    end: int
    whole: bool


class _SentBody:
    """What one side sends on one stream: where it lies, and what its header fields say of it."""

    def __init__(self) -> None:
        self.spans: list[tuple[int, int]] = []
        self.fields: list[tuple[str, str]] = []
        self.ended = False


def rewrite(client: WireText, server: WireText, hider: Hider, *, preface: bool = True) -> None:
    """Put what may stay of the frames of both sides into their ``made``."""
    bodies = [_SideFrames(wire, hider).read(preface=preface) for wire in (client, server)]
    for wire, mine in zip((client, server), bodies, strict=True):
        for stream, body in mine.items():
            asked, answered = (bodies[side].get(stream, _SentBody()).fields for side in (0, 1))
            _put_body(wire, body, asked, answered, hider)


class _SideFrames:
    """One side's frames, read once from its start."""

    def __init__(self, wire: WireText, hider: Hider) -> None:
        self._wire = wire
        self._hider = hider
        self._hpack = HpackText(hider)
        self._bodies: dict[int, _SentBody] = {}
        self._block: list[tuple[int, int]] = []  # the fragments of a header block

    def read(self, *, preface: bool) -> dict[int, _SentBody]:
        """Take all frames; the bodies are left to the caller."""
        start = 0
        if preface and self._wire.data.startswith(frames.PREFACE):
            start = len(frames.PREFACE)
            self._wire.keep(0, start)
        for frame in _frames(self._wire, start):
            self._wire.keep(frame.start - frames.HEADER, frame.start)
            self._take(frame)
        return self._bodies

    def _take(self, frame: _Frame) -> None:
        wire = self._wire
        if frame.kind in _AS_THEY_ARE:
            wire.keep(frame.start, frame.end)
        elif frame.kind == frames.GOAWAY:
            fixed = min(frame.start + _GOAWAY_FIXED, frame.end)
            wire.keep(frame.start, fixed)
            wire.put(fixed, self._hider.line(wire.data[fixed : frame.end]))
        elif frame.kind in (frames.HEADERS, frames.PUSH_PROMISE, frames.CONTINUATION):
            self._fragment(frame)
        elif frame.kind == frames.DATA:
            start, end = self._unpadded(frame)
            self._body(frame.stream).spans.append((start, end))
            self._body(frame.stream).ended |= bool(frame.flags & frames.END_STREAM) and frame.whole

    def _unpadded(self, frame: _Frame) -> tuple[int, int]:
        """Where the payload lies without its padding, whose length stays and whose bytes are zeros."""
        if frame.kind == frames.CONTINUATION or not frame.flags & frames.PADDED or frame.start == frame.end:
            return frame.start, frame.end
        padding = self._wire.data[frame.start]
        self._wire.keep(frame.start, frame.start + 1)
        end = max(frame.end - padding, frame.start + 1) if frame.whole else frame.end
        self._wire.put(end, bytes(frame.end - end))
        return frame.start + 1, end

    def _fragment(self, frame: _Frame) -> None:
        start, end = self._unpadded(frame)
        fixed = 0
        if frame.kind == frames.HEADERS and frame.flags & frames.PRIORITIZED:
            fixed = _PRIORITY_FIXED
        elif frame.kind == frames.PUSH_PROMISE:
            fixed = _PROMISE_FIXED
        self._wire.keep(start, min(start + fixed, end))
        self._block.append((min(start + fixed, end), end))
        if frame.flags & frames.END_HEADERS and frame.whole:
            self._end_block(frame.stream)

    def _end_block(self, stream: int) -> None:
        spans, self._block = self._block, []
        block = b"".join(self._wire.data[start:end] for start, end in spans)
        made, at = self._hpack.rewrite(block), 0
        for start, end in spans:
            self._wire.put(start, made[at : at + end - start])
            at += end - start
        body = self._body(stream)
        body.fields = body.fields + self._hpack.fields

    def _body(self, stream: int) -> _SentBody:
        return self._bodies.setdefault(stream, _SentBody())


def _frames(wire: WireText, at: int) -> Iterator[_Frame]:
    data, limit = wire.data, wire.whole_until
    while at + frames.HEADER <= limit:
        size = int.from_bytes(data[at : at + 3])
        start = at + frames.HEADER
        end = start + size
        stream = int.from_bytes(data[at + 5 : start]) & 0x7FFFFFFF
        yield _Frame(data[at + 3], data[at + 4], stream, start, min(end, limit), end <= limit)
        at = end
    if at < limit:
        wire.keep(at, limit)  # a part of a header: lengths and flags


def _put_body(wire: WireText, body: _SentBody, asked: Fields, answered: Fields, hider: Hider) -> None:
    whole = b"".join(wire.data[start:end] for start, end in body.spans)
    if not whole:
        return
    if value_of(asked, ":protocol") == "websocket":
        compressed = "permessage-deflate" in value_of(answered, "sec-websocket-extensions")
        made = WebSocketText(hider, compressed=compressed).rewritten(whole)
    elif value_of(asked, "content-type").startswith("application/grpc") or value_of(
        body.fields, "content-type"
    ).startswith("application/grpc"):
        made = _grpc(whole, hider)
    else:
        partial = (":status", "206") in body.fields
        made = body_of(body.fields, whole, hider, complete=body.ended, partial=partial)
    at = 0
    for start, end in body.spans:
        wire.put(start, made[at : at + end - start])
        at += end - start


def _grpc(whole: bytes, hider: Hider) -> bytes:
    """Messages behind their flag and length; the trailers of gRPC-Web, which are one, are marks too."""
    parts, at = [], 0
    while at < len(whole):
        prefix = whole[at : at + _GRPC_PREFIX]
        parts.append(prefix)
        at += len(prefix)
        size = int.from_bytes(prefix[1:]) if len(prefix) == _GRPC_PREFIX else 0
        parts.append(hider.marks.body(whole[at : at + size]))
        at += size
    return b"".join(parts)
