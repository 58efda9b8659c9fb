"""HTTP/2: streams, frames and header tables."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from hostility.wire import RST, Tcp

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_DATA, _HEADERS, _RST_STREAM, _SETTINGS, _PUSH_PROMISE, _PING, _GOAWAY, _WINDOW_UPDATE, _CONTINUATION = (
    0, 1, 3, 4, 5, 6, 7, 8, 9,
)  # fmt: skip
_UNKNOWN = 99
_END_STREAM, _END_HEADERS, _WHOLE = 1, 4, 5
GET = b"\x82\x84\x86\x41\x01a"
_UNINDEXED_GET = b"\x82\x84\x86\x01\x01a"  # which leaves the header table as it is
_OK, _ERROR = b"\x88", b"\x8e"
_BATCH = 1000


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """RFC 9113 section 4.1."""
    return struct.pack("!I", len(payload))[1:] + bytes((kind, flags)) + struct.pack("!I", stream) + payload


_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(_SETTINGS, 0, 0)
_GREETING = frame(_SETTINGS, 0, 0) + frame(_SETTINGS, 1, 0)


def _opened(tcp: Tcp, greeting: bytes = _GREETING) -> Iterator[bytes]:
    yield from tcp.opened()
    yield from tcp.sent(0, _PREFACE)
    yield from tcp.sent(1, greeting)


def _joined(tcp: Tcp, side: int, frames: Iterable[bytes]) -> Iterator[bytes]:
    held: list[bytes] = []
    for one in frames:
        held.append(one)
        if len(held) == _BATCH:
            yield from tcp.sent(side, b"".join(held))
            held.clear()
    yield from tcp.sent(side, b"".join(held))


def _streams(count: int) -> range:
    return range(1, 2 * count, 2)


def cancelled(count: int) -> Iterator[bytes]:
    """Requests that the client resets at once (CVE-2023-44487)."""
    tcp, cancel = Tcp(), struct.pack("!I", 8)
    yield from _opened(tcp)
    yield from _joined(
        tcp, 0, (frame(_HEADERS, _WHOLE, s, GET) + frame(_RST_STREAM, 0, s, cancel) for s in _streams(count))
    )


def refused_streams(count: int) -> Iterator[bytes]:
    """Requests that the server resets, each for another reason."""
    tcp = Tcp()
    yield from _opened(tcp)
    for first in range(1, 2 * count, 2 * _BATCH):
        turn = range(first, min(first + 2 * _BATCH, 2 * count), 2)
        yield from _joined(tcp, 0, (frame(_HEADERS, _WHOLE, s, GET) for s in turn))
        yield from _joined(tcp, 1, (frame(_RST_STREAM, 0, s, struct.pack("!I", s % 15)) for s in turn))


def accused(count: int) -> Iterator[bytes]:
    """Responses that the client refuses as malformed."""
    tcp, refusal = Tcp(), struct.pack("!I", 1)
    yield from _opened(tcp)
    for first in range(1, 2 * count, 2 * _BATCH):
        turn = range(first, min(first + 2 * _BATCH, 2 * count), 2)
        yield from _joined(tcp, 0, (frame(_HEADERS, _WHOLE, s, GET) for s in turn))
        yield from _joined(tcp, 1, (frame(_HEADERS, _END_HEADERS, s, _OK) for s in turn))
        yield from _joined(tcp, 0, (frame(_RST_STREAM, 0, s, refusal) for s in turn))


def answered(count: int) -> Iterator[bytes]:
    """Requests that are answered with an error."""
    tcp = Tcp()
    yield from _opened(tcp)
    for first in range(1, 2 * count, 2 * _BATCH):
        turn = range(first, min(first + 2 * _BATCH, 2 * count), 2)
        yield from _joined(tcp, 0, (frame(_HEADERS, _WHOLE, s, GET) for s in turn))
        yield from _joined(tcp, 1, (frame(_HEADERS, _WHOLE, s, _ERROR) for s in turn))


def open_streams(count: int) -> Iterator[bytes]:
    """Streams that nobody ends, on a connection that a reset ends."""
    tcp = Tcp()
    yield from _opened(tcp)
    yield from _joined(tcp, 0, (frame(_HEADERS, _END_HEADERS, s, GET) for s in _streams(count)))
    yield tcp.segment(1, RST)


def pushed(count: int) -> Iterator[bytes]:
    """Promises of pushes."""
    tcp = Tcp()
    yield from _opened(tcp)
    yield from tcp.sent(0, frame(_HEADERS, _WHOLE, 1, GET))
    promises = (
        frame(_PUSH_PROMISE, _END_HEADERS, 1, struct.pack("!I", s + 1) + GET) for s in _streams(count)
    )
    yield from _joined(tcp, 1, promises)


def interim_headers(count: int) -> Iterator[bytes]:
    """Interim responses on one stream."""
    tcp = Tcp()
    yield from _opened(tcp)
    yield from tcp.sent(0, frame(_HEADERS, _WHOLE, 1, GET))
    yield from tcp.said(1, frame(_HEADERS, _END_HEADERS, 1, b"\x08\x03103"), count)


def trailers(count: int) -> Iterator[bytes]:
    """One response with trailers again and again."""
    tcp = Tcp()
    yield from _opened(tcp)
    yield from tcp.sent(0, frame(_HEADERS, _WHOLE, 1, GET))
    yield from tcp.said(1, frame(_HEADERS, _END_HEADERS, 1, _OK), count)


def _flood(side: int, one: bytes, count: int) -> Iterator[bytes]:
    tcp = Tcp()
    yield from _opened(tcp)
    yield from tcp.sent(0, frame(_HEADERS, _END_HEADERS, 1, GET))
    yield from tcp.said(side, one, count)
    yield tcp.segment(1, RST)


def pings(count: int) -> Iterator[bytes]:
    """PING frames."""
    yield from _flood(0, frame(_PING, 0, 0, b"x" * 8), count)


def settings(count: int) -> Iterator[bytes]:
    """SETTINGS frames."""
    yield from _flood(0, frame(_SETTINGS, 0, 0, b"\0\3\0\0\0\1"), count)


def goaways(count: int) -> Iterator[bytes]:
    """GOAWAY frames, with debug data."""
    yield from _flood(1, frame(_GOAWAY, 0, 0, struct.pack("!II", 1, 2) + b"x" * 16), count)


def window_updates(count: int) -> Iterator[bytes]:
    """WINDOW_UPDATE frames for streams that are not there."""
    tcp = Tcp()
    yield from _opened(tcp)
    yield from _joined(tcp, 0, (frame(_WINDOW_UPDATE, 0, s, b"\0\0\0\1") for s in _streams(count)))


def data_of_a_byte(count: int) -> Iterator[bytes]:
    """A body, one byte a frame."""
    yield from _flood(0, frame(_DATA, 0, 1, b"x"), count)


def data_of_none(count: int) -> Iterator[bytes]:
    """Empty DATA frames, each on a stream that was never opened."""
    tcp = Tcp()
    yield from _opened(tcp)
    yield from _joined(tcp, 0, (frame(_DATA, 0, s, b"x") for s in _streams(count)))


def unknown_frames(count: int) -> Iterator[bytes]:
    """Frames of a type that nobody knows."""
    yield from _flood(0, frame(_UNKNOWN, 0, 0), count)


def continuations(count: int) -> Iterator[bytes]:
    """A header block that is continued by nothing, for ever."""
    tcp = Tcp()
    yield from _opened(tcp)
    yield from tcp.sent(0, frame(_HEADERS, _END_STREAM, 1, GET))
    yield from tcp.said(0, frame(_CONTINUATION, 0, 1), count)


def long_continuations(count: int) -> Iterator[bytes]:
    """A header block without an end."""
    tcp = Tcp()
    yield from _opened(tcp)
    yield from tcp.sent(0, frame(_HEADERS, _END_STREAM, 1, GET))
    yield from tcp.said(0, frame(_CONTINUATION, 0, 1, b"\0\1a\x7f\x81\x7f" + b"b" * 10_000), count)


def header_bombs(count: int) -> Iterator[bytes]:
    """Header blocks of 16 KB that each name one field of 4 KB thousands of times."""
    tcp = Tcp()
    yield from _opened(tcp)
    value = b"\x7f" + bytes((3900 - 127 & 0x7F | 0x80, 3900 - 127 >> 7)) + b"b" * 3900
    yield from tcp.sent(0, frame(_HEADERS, _WHOLE, 1, _UNINDEXED_GET + b"\x40\x01a" + value))
    yield from _joined(
        tcp, 0, (frame(_HEADERS, _WHOLE, s, _UNINDEXED_GET + b"\xbe" * 16_000) for s in _streams(count)[1:])
    )


def small_header_bombs(count: int) -> Iterator[bytes]:
    """The same with few references each, on very many streams."""
    tcp = Tcp()
    yield from _opened(tcp)
    value = b"\x7f" + bytes((3900 - 127 & 0x7F | 0x80, 3900 - 127 >> 7)) + b"b" * 3900
    yield from tcp.sent(0, frame(_HEADERS, _WHOLE, 1, _UNINDEXED_GET + b"\x40\x01a" + value))
    yield from _joined(
        tcp, 0, (frame(_HEADERS, _WHOLE, s, _UNINDEXED_GET + b"\xbe" * 40) for s in _streams(count)[1:])
    )


def large_tables(count: int) -> Iterator[bytes]:
    """A header table of 4 GB, filled."""
    tcp = Tcp()
    yield from _opened(tcp, frame(_SETTINGS, 0, 0, struct.pack("!HI", 1, 0xFFFFFFFF)))
    literal = b"\x40\x06%06d\x64" + b"v" * 100
    yield from _joined(
        tcp, 0, (frame(_HEADERS, _WHOLE, s, GET + literal % (s % 1_000_000)) for s in _streams(count))
    )
