"""HTTP/1.x, and what comes of it: pipelines, defects, chunks, WebSockets, streams of events."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from hostility.transport import ANSWER, REQUEST
from hostility.wire import ACK, FIN, RST, Tcp

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
_UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: x\r\n"
    b"Sec-WebSocket-Version: 13\r\n\r\n"
)
_SWITCHED = b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


def _answered(answer: bytes, times: int, *, begin: bytes = b"", request: bytes = REQUEST) -> Iterator[bytes]:
    tcp = Tcp()
    yield from tcp.opened()
    yield from tcp.sent(0, request)
    yield from tcp.sent(1, begin)
    yield from tcp.said(1, answer, times)
    yield tcp.segment(1, FIN | ACK)


def pipeline(count: int) -> Iterator[bytes]:
    """Requests without a response."""
    tcp = Tcp()
    yield from tcp.opened()
    yield from tcp.said(0, REQUEST, count)
    yield tcp.segment(1, RST)


def exchanges(count: int) -> Iterator[bytes]:
    """Requests and responses in turn."""
    tcp = Tcp()
    yield from tcp.opened()
    for _ in range(count):
        yield from tcp.sent(0, REQUEST)
        yield from tcp.sent(1, ANSWER)
    yield tcp.segment(1, FIN | ACK)


def failing_exchanges(count: int) -> Iterator[bytes]:
    """The same, and each response an error of its own."""
    tcp = Tcp()
    yield from tcp.opened()
    for number in range(count):
        yield from tcp.sent(0, b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % number)
        yield from tcp.sent(1, b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % (400 + number % 200))
    yield tcp.segment(1, RST)


def responses(count: int) -> Iterator[bytes]:
    """Responses that nobody asked for."""
    yield from _answered(ANSWER, count)


def interim(count: int) -> Iterator[bytes]:
    """Interim responses to one request."""
    yield from _answered(b"HTTP/1.1 103 E\r\nLink: a\r\n\r\n", count)


def defects(count: int) -> Iterator[bytes]:
    """Responses each of which breaks several rules."""
    broken = b"bad line\r\nbad\x01 name: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok"
    tcp = Tcp()
    yield from tcp.opened()
    yield from tcp.said(0, REQUEST, count)
    yield from tcp.said(1, b"HTTP/1.1 200 OK\r\n" + broken, count)


def bad_lines(count: int) -> Iterator[bytes]:
    """Heads of a megabyte, every line of which breaks a rule."""
    tcp = Tcp()
    yield from tcp.opened()
    for _ in range(count):
        yield from tcp.sent(0, REQUEST)
        yield from tcp.sent(1, b"HTTP/1.1 200 OK\r\n" + b"a\r\n" * 330_000 + b"Content-Length: 0\r\n\r\n")


def folded_lines(count: int) -> Iterator[bytes]:
    """Heads of a megabyte, one field folded over all of it."""
    tcp = Tcp()
    yield from tcp.opened()
    for _ in range(count):
        yield from tcp.sent(0, REQUEST)
        yield from tcp.sent(
            1, b"HTTP/1.1 200 OK\r\nA: b" + b"\r\n c" * 250_000 + b"\r\nContent-Length: 0\r\n\r\n"
        )


def many_fields(count: int) -> Iterator[bytes]:
    """Heads of 10,000 fields."""
    fields = b"".join(b"X-%d: y\r\n" % number for number in range(10_000))
    tcp = Tcp()
    yield from tcp.opened()
    for _ in range(count):
        yield from tcp.sent(0, REQUEST)
        yield from tcp.sent(1, b"HTTP/1.1 500 No\r\n" + fields + b"Content-Length: 0\r\n\r\n")


def endless_head(count: int) -> Iterator[bytes]:
    """One header field without an end."""
    tcp = Tcp()
    yield from tcp.opened()
    yield from tcp.sent(0, REQUEST[:-2] + b"X: ")
    yield from tcp.said(0, b"a", count)


def long_targets(count: int) -> Iterator[bytes]:
    """Targets of a hundred thousand parameters, each of which looks like a secret."""
    tcp = Tcp()
    yield from tcp.opened()
    for _ in range(count):
        yield from tcp.sent(0, b"GET /?" + b"token=a&" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        yield from tcp.sent(1, b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")


def chunks(count: int) -> Iterator[bytes]:
    """Chunks of one byte."""
    yield from _answered(b"1\r\na\r\n", count, begin=_CHUNKED)


def endless_chunk_line(count: int) -> Iterator[bytes]:
    """A chunk's extension without an end."""
    yield from _answered(b"a", count, begin=_CHUNKED + b"1;")


def junk(count: int) -> Iterator[bytes]:
    """Bytes that are no response."""
    yield from _answered(b"HTTP/HTTP/", count)


def events(count: int) -> Iterator[bytes]:
    """A stream of events, each an error."""
    begin = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    yield from _answered(b'event: error\ndata: {"error":{"message":"x"}}\n\n', count, begin=begin)


def websocket_frames(count: int) -> Iterator[bytes]:
    """Empty frames of a WebSocket."""
    yield from _answered(b"\x82\0", count, begin=_SWITCHED, request=_UPGRADE)


def websocket_pings(count: int) -> Iterator[bytes]:
    """PINGs of a WebSocket, and PONGs that answer nothing."""
    yield from _answered(b"\x89\1a\x8a\1b", count, begin=_SWITCHED, request=_UPGRADE)


def websocket_defects(count: int) -> Iterator[bytes]:
    """Frames of a WebSocket that break the protocol, and Close frames."""
    broken = b"\x80\0\x88" + struct.pack("!BH", 2, 1011)
    yield from _answered(broken, count, begin=_SWITCHED, request=_UPGRADE)


def mail_lines(count: int) -> Iterator[bytes]:
    """A greeting that never ends, and a client that greets back all the time."""
    tcp = Tcp(server_port=25)
    yield from tcp.opened()
    yield from tcp.said(1, b"220-x\r\n", count)
    yield from tcp.said(0, b"EHLO a\r\n", count)
