"""Undoing content codings (RFC 9110 section 8.4) as a body comes, in bounded memory and time.

Decoded bytes come in pieces of bounded size, never a whole body at a time. Decoding stops when a coding is
unknown or corrupt, or when the ``budget`` is used up.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Protocol

from plainwire import plurals
from plainwire.model import Content

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from plainwire.http.budget import Budget

_MOST_CODINGS = 4
_PIECE = 1 << 18
_ZSTD_SLICE = 1 << 8
"""4 bytes of zstd can be a block of 128 KB, and a decompressor gives all it can at once."""

_ZSTD_WINDOW = 8 << 20
"""RFC 9659 section 3: senders must not need a larger window, and receivers may refuse it."""

_IDENTITY = frozenset(("", "identity", "none"))


class CorruptError(Exception):
    """The bytes are not valid in this coding."""


class TooMuchError(Exception):
    """Decoding would take more memory or time than a capture may have; the message says which."""


class _Undo(Protocol):
    """The decoder of one coding."""

    own: int
    """Bytes of memory that the decoder takes from the start."""
    window: int
    """Most bytes of its window: so many decoded bytes it keeps."""

    def feed(self, part: bytes) -> Iterable[bytes]:
        """More decoded bytes, in pieces of bounded size. Raises ``CorruptError``."""

    def ended(self) -> bool:
        """Whether the input so far is complete."""


class _Inflate:
    """gzip of one or more members (RFC 1952), deflate with (RFC 1950) or without (RFC 1951) its wrapper."""

    own, window = 12 << 10, 32 << 10

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
        """Whether another gzip member follows; zeros and other padding after the last one mean nothing."""
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

    own, window = 32 << 10, 16 << 20

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

    own, window = 160 << 10, _ZSTD_WINDOW

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
                    if "too much memory" in str(error):
                        message = f"zstd with a window of more than {_ZSTD_WINDOW} bytes (RFC 9659 section 3)"
                        raise TooMuchError(message) from error
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


class ContentDecoder:
    """Decodes the codings of one body, the last one first."""

    def __init__(self, codings: Sequence[str], budget: Budget) -> None:
        self._facts = Content(list(codings))
        self._budget = budget
        self._taken = 0
        self._held = self._window = 0  # bytes of memory that the chain takes, and may take
        unknown = [coding for coding in codings if coding not in _CODINGS]
        self._chain: list[_Undo] = []  # made when the first bytes come
        if unknown:
            self._facts.defect = f"content coding {_shown(unknown[0])} is not decoded"
        elif len(codings) > _MOST_CODINGS:
            self._facts.defect = f"{len(codings)} content codings are not decoded"
        self.raw = bool(self._facts.defect)
        """Whether nothing is decoded at all: ``feed`` then gives back what it was given."""

    def feed(self, part: bytes) -> Iterator[bytes]:
        """The decoded bytes of a part of the body, in pieces; the caller must take all of them."""
        if self.raw:
            yield part
        if self._facts.defect or not part:
            return
        before, self._taken = self._taken, self._taken + len(part)
        try:
            self._begin(len(part))
            for piece in self._undo(0, part):
                self._facts.decoded_size += len(piece)
                yield piece
        except TooMuchError as error:
            self._stop(f"not decoded beyond {plurals.count(self._facts.decoded_size, 'byte')}: {error}")
        except CorruptError:
            where = f"in bytes {before} to {self._taken}"
            self._stop(f"corrupt {_shown(', '.join(self._facts.codings))} {where} of the body")
            if self._facts.decoded_size == 0 and before == 0:
                self.raw = True
                yield part

    def hole(self, size: int) -> None:
        """So many bytes of the body are not in the capture: what follows them cannot be judged."""
        self._stop(f"{plurals.count(size, 'byte of it', 'is')} not in the capture")

    def _begin(self, size: int) -> None:
        self._budget.earn(size)
        if self._chain:
            return
        self._chain = [_CODINGS[coding]() for coding in reversed(self._facts.codings)]
        self._window = sum(undo.own + undo.window for undo in self._chain)
        self._hold(sum(undo.own for undo in self._chain))

    def _hold(self, size: int) -> None:
        """Note the memory that the decoders now use."""
        size = min(size, self._window - self._held)
        if size and not self._budget.hold(size):
            message = "the decoders of too many bodies would be open at a time"
            raise TooMuchError(message)
        self._held += size

    def _undo(self, index: int, part: bytes) -> Iterable[bytes]:
        if index == len(self._chain):
            if part:
                yield part
            return
        for piece in self._chain[index].feed(part):
            self._hold(len(piece))
            if not self._budget.spend(len(piece)):
                message = "so much would stand for so little"
                raise TooMuchError(message)
            yield from self._undo(index + 1, piece)

    def _stop(self, defect: str) -> None:
        self._facts.defect = self._facts.defect or defect
        self._chain.clear()
        self._budget.release(self._held)
        self._held = 0

    def finish(self, *, complete: bool) -> Content:
        """The body has ended; ``complete``: by HTTP's framing, nothing is missing."""
        facts = self._facts
        if facts.defect:
            return facts
        facts.complete = bool(self._chain) and all(undo.ended() for undo in self._chain)
        cut = complete and not facts.complete and self._taken
        self._stop(f"the {_shown(', '.join(facts.codings))} content ends before its end" if cut else "")
        return facts


def codings(values: Iterable[str]) -> tuple[str, ...]:
    """The codings in values of Content-Encoding, in the order in which they were applied."""
    return tuple(
        name
        for value in values
        for name in (c.strip(" \t\r").lower() for c in value.split(","))
        if name not in _IDENTITY
    )


def _shown(text: str) -> str:
    return text[:40].encode("unicode_escape").decode("ascii")
