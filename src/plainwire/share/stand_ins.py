"""Bodies that stand for others: of the same size, in the same coding, with nothing of them inside.

A compressed body cannot be marked byte by byte: it has to be one that its receiver can decompress, or the
diagnosis would find it corrupt. gzip is RFC 1952, deflate RFC 1950 and 1951, br RFC 7932, zstd RFC 8878.
"""

from __future__ import annotations

import struct
import zlib

_STORED = 65535
"""Bytes of a stored block (RFC 1951 section 3.2.4)."""
_RAW, _NARROW = 1 << 16, 1 << 8
_AHEAD = 64
_GZIP_HEAD = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
_ZSTD_HEAD = b"\x28\xb5\x2f\xfd\0\x38"
"""No content size, a window of 128 KB."""


def coded(coding: str, size: int, *, complete: bool) -> bytes | None:
    """A body of ``size`` bytes in this coding; where it is not ``complete``, the beginning of a longer one.

    None: there is none so short, or the coding is another.
    """
    make = _MAKERS.get(coding)
    if make is None:
        return None
    if complete:
        return make(size)
    longer = make(size + _AHEAD)
    return None if longer is None else longer[:size]


def deflated(size: int) -> bytes | None:
    """A stream of DEFLATE blocks, the last of them final."""
    if size < 2:
        return None
    if size < 5:
        return _fixed(size - 2)
    return _stored(size)[0]


def message(size: int) -> bytes | None:
    """The payload of a message of permessage-deflate (RFC 7692 section 7.2.1), without its tail."""
    if size < 1:
        return None
    if size == 1:
        return b"\0"
    bits = 0b010  # not final, fixed codes
    count = 3
    for _ in range(size - 2):
        bits, count = bits | _reversed(0x30 + ord("x"), 8) << count, count + 8
    return bits.to_bytes(size, "little")  # the end of the block is seven zeros, and an empty one begins


def _reversed(code: int, size: int) -> int:
    return int(format(code, f"0{size}b")[::-1], 2)


def _fixed(count: int) -> bytes:
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_FIXED)
    return squeeze.compress(b"x" * count) + squeeze.flush()


def _stored(size: int) -> tuple[bytes, bytes]:
    """The blocks, and what they hold."""
    parts, held = [], 0
    while size:
        length = min(_STORED, size - 5)
        rest = size - 5 - length
        if 0 < rest < 5:
            length -= 5
            rest += 5
        parts.append(struct.pack("<BHH", 0 if rest else 1, length, length ^ 0xFFFF) + b"x" * length)
        size, held = rest, held + length
    return b"".join(parts), b"x" * held


def _gzip(size: int) -> bytes | None:
    room = size - len(_GZIP_HEAD) - 8
    if room < 2:
        return None
    blocks, held = (_fixed(room - 2), b"x" * (room - 2)) if room < 5 else _stored(room)
    return _GZIP_HEAD + blocks + struct.pack("<II", zlib.crc32(held), len(held))


def _zlib(size: int) -> bytes | None:
    room = size - 6
    if room < 2:
        return None
    blocks, held = (_fixed(room - 2), b"x" * (room - 2)) if room < 5 else _stored(room)
    return b"\x78\x01" + blocks + struct.pack(">I", zlib.adler32(held))


def _brotli(size: int) -> bytes | None:
    """Metadata blocks (RFC 7932 section 9.2), which are passed over, and an empty last block."""
    if size < 1:
        return None
    if size == 1:
        return b"\x06"
    if size < 5:
        return None
    parts: list[bytes] = []
    rest = size - 1
    while rest:
        wide = rest > _NARROW + 3 + 4
        head = 3 if wide else 2
        length = min(_RAW if wide else _NARROW, rest - head)
        if 0 < rest - head - length < 4:
            length -= 4
        # From the lowest bit on: WBITS (once), ISLAST, MNIBBLES, reserved, MSKIPBYTES, MSKIPLEN.
        value, at = 0, 0 if parts else 1
        for field, width in ((0, 1), (3, 2), (0, 1), (head - 1, 2), (length - 1, 8 * (head - 1))):
            value |= field << at
            at += width
        parts.append(value.to_bytes(head, "little") + b"x" * length)
        rest -= head + length
    return b"".join(parts) + b"\x03"


def _zstd(size: int) -> bytes | None:
    """One frame of raw blocks."""
    rest = size - len(_ZSTD_HEAD)
    if rest < 3:
        return None
    parts = []
    while rest:
        length = min(_RAW, rest - 3)
        if 0 < rest - 3 - length < 3:
            length -= 3
        rest -= 3 + length
        parts.append((length << 3 | (not rest)).to_bytes(3, "little") + b"x" * length)
    return _ZSTD_HEAD + b"".join(parts)


_MAKERS = {"gzip": _gzip, "x-gzip": _gzip, "deflate": _zlib, "br": _brotli, "zstd": _zstd}
