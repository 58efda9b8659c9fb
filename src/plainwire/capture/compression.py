"""Compressed captures, recognised by their content and decompressed as they are read.

gzip (RFC 1952), zstd (RFC 8878), LZ4 frames, xz and bzip2, each with several members or frames in a row if
need be. Decompression is bounded: little goes in at a time, and no more comes out than was asked for, so that
a file which expands to terabytes costs time but no memory. A file that is cut or damaged gives what came
before, and a note.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from typing import TYPE_CHECKING, Protocol

from plainwire.model import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from plainwire.capture.sources import Lookahead

_INPUT = 4096
"""Compressed bytes read at a time: one damaged byte loses the contents of this many."""
_ZSTD_INPUT = 1024
"""Four bytes of zstd may stand for 128 KB, and its reader decompresses all its input: at most 32 MB."""
_ENOUGH = 1 << 18
_XZ_MEMORY = 1 << 29
"""``xz -9`` needs 65 MB to decompress."""
_ZSTD_WINDOW = 1 << 27
"""The default limit of the zstd program."""
_PADDING = 512
_LONGEST_MAGIC = 4


class _Decoder(Protocol):
    """One member or frame, with the interface of ``bz2`` and ``lzma`` in the standard library."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes | None: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Gzip:
    """``zlib`` with that interface."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(wbits=31)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._inflate.eof

    @property
    def unused_data(self) -> bytes:
        return self._inflate.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        out = self._inflate.decompress(self._inflate.unconsumed_tail + data, max_length)
        self.needs_input = not self._inflate.unconsumed_tail and len(out) < max_length
        return out


class _Zstd:
    """``zstandard`` with that interface. Its output cannot be limited."""

    def __init__(self) -> None:
        import zstandard  # noqa: PLC0415 - not needed by most

        decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
        self._stream = decompressor.decompressobj()
        self._pending = b""

    @property
    def eof(self) -> bool:
        return self._stream.eof

    @property
    def needs_input(self) -> bool:
        return not self._pending

    @property
    def unused_data(self) -> bytes:
        return self._stream.unused_data + self._pending

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        del max_length
        self._pending += data
        portion, self._pending = self._pending[:_ZSTD_INPUT], self._pending[_ZSTD_INPUT:]
        return self._stream.decompress(portion)


def _lz4() -> _Decoder:
    try:
        import lz4.frame  # type: ignore[import-untyped]  # noqa: PLC0415 - not needed by most
    except ImportError:  # of it there is nothing for musl
        message = "LZ4 needs the Python package lz4; without it: lz4 -dc FILE | plainwire analyze -"
        raise UserError(message) from None
    decoder: _Decoder = lz4.frame.LZ4FrameDecompressor()
    return decoder


def _xz() -> _Decoder:
    return lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_XZ_MEMORY)


_SKIPPABLE = tuple(bytes([0x50 + n]) + b"\x2a\x4d\x18" for n in range(16))
_PACKERS: tuple[tuple[tuple[bytes, ...], str, Callable[[], _Decoder]], ...] = (
    ((b"\x1f\x8b",), "gzip", _Gzip),
    ((b"\x28\xb5\x2f\xfd", *_SKIPPABLE), "zstd", _Zstd),  # RFC 8878 section 3.1.2: skippable frames
    ((b"\x04\x22\x4d\x18",), "lz4", _lz4),
    ((b"\xfd7zX",), "xz", _xz),
    ((b"BZh",), "bzip2", bz2.BZ2Decompressor),
)


def packed_with(head: bytes) -> str | None:
    """Name the compression of a file whose first bytes are ``head`` (4 are enough)."""
    return next((name for magics, name, _ in _PACKERS if head.startswith(magics)), None)


class Unpacked:
    """The content of a compressed source, which begins with one of the magic numbers known here."""

    def __init__(self, packed: Lookahead) -> None:
        self._packed = packed
        self._own_trouble: str | None = None
        self._decoder: _Decoder | None = None
        self._kind = ""

    @property
    def trouble(self) -> str | None:
        """What ended it too early: damage, a cut, or trouble in the source."""
        return self._packed.trouble or self._own_trouble

    def read(self, size: int, /) -> bytes:
        """Decompress a little. Returns what there is as soon as the source has nothing more ready."""
        parts: list[bytes] = []
        done = 0
        while done < min(size, _ENOUGH) and self._own_trouble is None:
            if self._decoder is None and not self._begin():
                break
            out, waiting = self._step(size - done)
            parts.append(out)
            done += len(out)
            if waiting and done:
                break
        return b"".join(parts)

    def _begin(self) -> bool:
        """Start on the next member or frame, if there is one. Zeros between them are padding."""
        packed = self._packed
        head = packed.peek(_LONGEST_MAGIC)
        while head and not head.strip(b"\0"):
            packed.give_back(packed.read(_PADDING).lstrip(b"\0"))
            head = packed.peek(_LONGEST_MAGIC)
        for magics, name, decoder in _PACKERS:
            if head.startswith(magics):
                self._decoder, self._kind = decoder(), name
                return True
        if head:
            self._own_trouble = f"what follows the {self._kind} data is not {self._kind}, and was not read"
        return False

    def _step(self, size: int) -> tuple[bytes, bool]:
        """The output of one portion of input, and whether the source has no more ready."""
        decoder, data, waiting = self._decoder, b"", False
        assert decoder is not None  # noqa: S101 - _begin saw to it
        if decoder.needs_input:
            data = self._packed.read(_INPUT)
            waiting = len(data) < _INPUT
            if not data:
                self._own_trouble = f"the {self._kind} data are cut off"
                return b"", True
        try:
            out = decoder.decompress(data, size)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - each library has its own, of no common kind
            self._own_trouble = f"the {self._kind} data are damaged ({error})"
            return b"", True
        if decoder.eof:
            self._packed.give_back(decoder.unused_data or b"")
            self._decoder = None
        return out, waiting
