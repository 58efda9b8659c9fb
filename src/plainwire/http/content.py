"""Undoing content codings (RFC 9110 section 8.4) as a body comes, in bounded memory and time.

Nothing is decoded further once a coding turned out unknown or corrupt, or when a connection has decoded
``MOST_DECODED`` bytes: a small body may decode to any size.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Protocol

from plainwire.model import Content

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

MOST_DECODED = 1 << 30
"""Bytes of decoded content of one connection."""

_MOST_CODINGS = 4
_PIECE = 1 << 18
_ZSTD_SLICE = 1 << 10
"""A block of zstd is 128 KB from 4 bytes, and a decompressor gives all of it at once."""

_ZSTD_WINDOW = 1 << 27
_IDENTITY = frozenset(("", "identity", "none"))


class CorruptError(Exception):
    """The bytes are not of this coding."""


class _Undo(Protocol):
    """One coding being undone."""

    def feed(self, part: bytes) -> Iterable[bytes]:
        """More decoded bytes, in pieces of bounded size. Raises ``CorruptError``."""

    def ended(self) -> bool:
        """Whether what came so far is complete."""


class _Inflate:
    """gzip of one or more members (RFC 1952), deflate with (RFC 1950) or without (RFC 1951) its wrapper."""

    def __init__(self, *, gzip: bool) -> None:
        self._gzip = gzip
        self._head = b""
        self._inflater = zlib.decompressobj(31) if gzip else None
        self._rest = b""
        self._begun = False

    def feed(self, part: bytes) -> Iterable[bytes]:
        data = self._rest + part
        self._rest = b""
        if self._inflater is None:
            data = self._head + data
            if len(data) < 2:
                self._head = data
                return
            wrapped = data[0] & 15 == 8 and (data[0] << 8 | data[1]) % 31 == 0
            self._inflater = zlib.decompressobj(15 if wrapped else -15)
        while data:
            if self._inflater.eof and not self._next_member(data):
                return
            self._begun = True
            try:
                yield self._inflater.decompress(data, _PIECE)
            except zlib.error as error:
                raise CorruptError from error
            data = self._inflater.unconsumed_tail or self._inflater.unused_data
        # What decompress holds back for lack of room comes out without further input.
        while not self._inflater.eof:
            more = self._inflater.decompress(b"", _PIECE)
            if not more:
                return
            yield more

    def _next_member(self, data: bytes) -> bool:
        """Whether another gzip member follows; zeros and other padding behind the last one mean nothing."""
        if self._gzip and len(data) < 2 and b"\x1f\x8b".startswith(data):
            self._rest = data
            return False
        if not self._gzip or not data.startswith(b"\x1f\x8b"):
            return False
        self._inflater = zlib.decompressobj(31)
        return True

    def ended(self) -> bool:
        return self._inflater is not None and self._inflater.eof


class _Brotli:
    """br (RFC 7932)."""

    def __init__(self) -> None:
        import brotli  # noqa: PLC0415 - not needed by most

        self._decompressor = brotli.Decompressor()
        self._error = brotli.error

    def feed(self, part: bytes) -> Iterable[bytes]:
        data = part
        try:
            while not self._decompressor.is_finished():
                piece = self._decompressor.process(data, output_buffer_limit=_PIECE)
                data = b""
                if piece:
                    yield piece
                elif self._decompressor.can_accept_more_data():
                    return
        except self._error as error:
            raise CorruptError from error

    def ended(self) -> bool:
        return bool(self._decompressor.is_finished())


class _Zstandard:
    """zstd (RFC 8878), frame after frame."""

    def __init__(self) -> None:
        import zstandard  # noqa: PLC0415 - as above

        self._error = zstandard.ZstdError
        self._make = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj
        self._decompressor = self._make()
        self._begun = False

    def feed(self, part: bytes) -> Iterable[bytes]:
        for at in range(0, len(part), _ZSTD_SLICE):
            data = part[at : at + _ZSTD_SLICE]
            while data:
                if self._decompressor.eof:
                    self._decompressor = self._make()
                self._begun = True
                try:
                    yield self._decompressor.decompress(data)
                except self._error as error:
                    raise CorruptError from error
                data = self._decompressor.unused_data if self._decompressor.eof else b""

    def ended(self) -> bool:
        return self._begun and bool(self._decompressor.eof)


_CODINGS: dict[str, Callable[[], _Undo]] = {
    "gzip": lambda: _Inflate(gzip=True),
    "x-gzip": lambda: _Inflate(gzip=True),
    "deflate": lambda: _Inflate(gzip=False),
    "br": _Brotli,
    "zstd": _Zstandard,
}


class Budget:
    """How much a connection may still decode."""

    def __init__(self, most: int = MOST_DECODED) -> None:
        self.left = most


class ContentDecoder:
    """Undoes the codings of one body, the last one first."""

    def __init__(self, codings: Sequence[str], budget: Budget) -> None:
        self._facts = Content(list(codings))
        self._budget = budget
        self._taken = 0
        unknown = [coding for coding in codings if coding not in _CODINGS]
        self._chain: list[_Undo] = []
        if unknown:
            self._facts.defect = f"content coding {_shown(unknown[0])} is not decoded"
        elif len(codings) > _MOST_CODINGS:
            self._facts.defect = f"{len(codings)} content codings are not decoded"
        else:
            self._chain = [_CODINGS[coding]() for coding in reversed(codings)]
        self.raw = bool(self._facts.defect)
        """Whether nothing is decoded at all: ``feed`` then gives back what it was given."""

    def feed(self, part: bytes) -> bytes:
        """The decoded bytes that a part of the body gives."""
        if self.raw:
            return part
        if self._facts.defect:
            return b""
        out: list[bytes] = []
        before, self._taken = self._taken, self._taken + len(part)
        try:
            for piece in self._undo(0, part):
                self._facts.decoded_size += len(piece)
                self._budget.left -= len(piece)
                out.append(piece)
                if self._budget.left < 0:
                    self._facts.defect = f"not decoded beyond {self._facts.decoded_size} bytes"
                    break
        except CorruptError:
            where = f"in bytes {before} to {self._taken}"
            self._facts.defect = f"corrupt {_shown(', '.join(self._facts.codings))} {where} of the body"
            self.raw = self._facts.decoded_size == 0 and before == 0
            return part if self.raw else b"".join(out)
        return b"".join(out)

    def _undo(self, index: int, part: bytes) -> Iterable[bytes]:
        if index == len(self._chain):
            if part:
                yield part
            return
        for piece in self._chain[index].feed(part):
            yield from self._undo(index + 1, piece)

    def finish(self, *, complete: bool) -> Content:
        """The body is over; ``complete`` says whether HTTP's framing says that it is all there."""
        facts = self._facts
        if facts.defect:
            return facts
        facts.complete = all(undo.ended() for undo in self._chain)
        if complete and not facts.complete and self._taken:
            facts.defect = f"the {_shown(', '.join(facts.codings))} content ends before its end"
        return facts


def codings(values: Iterable[str]) -> tuple[str, ...]:
    """The codings that values of Content-Encoding name, in the order in which they were applied."""
    return tuple(
        name
        for value in values
        for name in (c.strip(" \t\r").lower() for c in value.split(","))
        if name not in _IDENTITY
    )


class EventCounter:
    """Counts the events of a text/event-stream: blocks of lines that an empty line ends."""

    def __init__(self) -> None:
        self.events = 0
        self._line = False  # the line has something in it
        self._data = False  # the block has a line
        self._cr = False

    def feed(self, part: bytes) -> None:
        """Take decoded bytes."""
        if self._cr and part.startswith(b"\n"):
            part = part[1:]
        if part:
            self._cr = part.endswith(b"\r")
        lines = part.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        for index, line in enumerate(lines):
            self._line = self._line or bool(line)
            if index == len(lines) - 1:
                return
            if self._line:
                self._data = True
            elif self._data:
                self.events += 1
                self._data = False
            self._line = False


def _shown(text: str) -> str:
    return text[:40].encode("unicode_escape").decode("ascii")
