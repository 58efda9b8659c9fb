"""One side of a connection without its TLS: where each byte of the TCP stream is in the plain text.

A record of the stream, at [start, end), carries a text that is shorter than it. Its header and tag count for
nothing, and so do handshakes and alerts. Offsets inside a record lead to offsets inside its text, as far as
that goes: so segments, what is sent again and acknowledgments all keep their meaning.
"""

from __future__ import annotations

from bisect import bisect_right

_HEAD = 5


class PlainView:
    """See the module. ``sealed_from``: the offset from which on there are only records; None: nowhere."""

    def __init__(self, made: bytes, sealed_from: int | None, opened: list[tuple[int, int, bytes]]) -> None:
        clear = len(made) if sealed_from is None else min(sealed_from, len(made))
        self._starts = [0]
        self._spans = [(0, clear, 0, 0)]  # start, end, offset in the plain text, bytes of head
        parts, at = [made[:clear]], clear
        for start, end, text in sorted(opened):
            if text and start >= self._spans[-1][1]:
                self._starts.append(start)
                self._spans.append((start, end, at, max(0, min(_HEAD, end - start - len(text)))))
                parts.append(text)
                at += len(text)
        self.text = b"".join(parts)
        self._lengths = [len(part) for part in parts]

    def offset(self, offset: int) -> int:
        """The offset in the plain text that an offset in the stream leads to."""
        if offset < 0:
            return offset
        index = bisect_right(self._starts, offset) - 1
        start, end, at, head = self._spans[index]
        if offset >= end:  # between records, or behind the last byte
            return at + self._lengths[index]
        return at + min(max(offset - start - head, 0), self._lengths[index])
