"""HTTP/3, and the streams under it: requests, resets and small frames by the million."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from hostility.quic_wire import Quic, integer, reset, stop, stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_GET = b"\1\x08\0\0\xd1\xd7\xc1\x50\1a"
"""HEADERS: GET, https, /, and the authority "a" (RFC 9204 appendix A)."""
_OK = b"\1\3\0\0\xd9"
_ACKNOWLEDGED = b"\2\x40\x64\0\0\0"
_PATH_CHALLENGE = b"\x1a12345678"


def _said(side: int, count: int, frame: Callable[[int], bytes]) -> Iterator[bytes]:
    """One connection, and frames that one side says on it."""
    quic = Quic()
    yield from quic.opened()
    yield from quic.said(side, map(frame, range(count)))


def requests(count: int) -> Iterator[bytes]:
    """Requests that nobody answers."""
    yield from _said(0, count, lambda number: stream(4 * number, _GET, fin=True))


def answered(count: int) -> Iterator[bytes]:
    """Requests and their responses, on one connection."""
    quic = Quic()
    yield from quic.opened()
    for start in range(0, count, 50):
        yield from quic.said(0, (stream(4 * n, _GET, fin=True) for n in range(start, start + 50)))
        yield from quic.said(1, (stream(4 * n, _OK, fin=True) for n in range(start, start + 50)))


def cancelled(count: int) -> Iterator[bytes]:
    """Requests that the client gives up at once."""
    yield from _said(0, count, lambda n: stream(4 * n, _GET) + reset(4 * n, len(_GET)) + stop(4 * n))


def resets(count: int) -> Iterator[bytes]:
    """Resets of streams on which nothing was said, every other one left out."""
    yield from _said(0, count, lambda number: reset(8 * number))


def stops(count: int) -> Iterator[bytes]:
    """STOP_SENDING for streams that nobody has opened."""
    yield from _said(1, count, lambda number: stop(4 * number))


def open_streams(count: int) -> Iterator[bytes]:
    """Requests of which one byte came."""
    yield from _said(0, count, lambda number: stream(4 * number, b"\1"))


def empty_streams(count: int) -> Iterator[bytes]:
    """Streams that are opened and not used."""
    yield from _said(0, count, lambda number: stream(4 * number, b""))


def open_everywhere(count: int) -> Iterator[bytes]:
    """The same on many connections at a time."""
    for number in range(count // 5000):
        quic = Quic(1024 + number, struct.pack("!Q", number))
        yield from quic.opened()
        yield from quic.said(0, (stream(4 * n, b"\1") for n in range(5000)))


def odd_streams(count: int) -> Iterator[bytes]:
    """Streams in one direction, of types that do not exist."""
    yield from _said(0, count, lambda number: stream(4 * number + 6, b"\x21"))


def pushed(count: int) -> Iterator[bytes]:
    """Promises of responses that do not come."""
    quic = Quic()
    yield from quic.opened()
    yield quic.packet(0, stream(0, _GET, fin=True))
    at = 0
    for number in range(count):
        body = integer(number) + _GET[2:]
        promise = b"\5" + integer(len(body)) + body
        yield quic.packet(1, stream(0, promise, offset=at))
        at += len(promise)


def data_of_a_byte(count: int) -> Iterator[bytes]:
    """A body, one byte a frame of HTTP/3."""
    yield from _bodies(count, b"\0\1a")


def data_of_none(count: int) -> Iterator[bytes]:
    """Frames of a body that hold nothing of it."""
    yield from _bodies(count, b"\0\0")


def unknown_frames(count: int) -> Iterator[bytes]:
    """Frames of HTTP/3 of a reserved type, with nothing in them."""
    yield from _bodies(count, b"\x21\0")


def _bodies(count: int, frame: bytes) -> Iterator[bytes]:
    quic = Quic()
    yield from quic.opened()
    yield quic.packet(0, stream(0, _GET, fin=True))
    yield quic.packet(1, stream(0, _OK))
    per_packet = 1000 // len(frame)
    at = len(_OK)
    for _ in range(count // per_packet):
        yield quic.packet(1, stream(0, frame * per_packet, offset=at))
        at += len(frame) * per_packet


def stream_of_a_byte(count: int) -> Iterator[bytes]:
    """A body, one byte a STREAM frame."""
    body = len(_OK) + 9
    quic = Quic()
    yield from quic.opened()
    yield quic.packet(0, stream(0, _GET, fin=True))
    yield quic.packet(1, stream(0, _OK + b"\0" + struct.pack("!Q", 0xC0 << 56 | count)))
    yield from quic.said(1, (stream(0, b"a", offset=body + n) for n in range(count)))


def stream_backwards(count: int) -> Iterator[bytes]:
    """The same, the last byte first."""
    yield from _said(1, count, lambda number: stream(0, b"a", offset=2 * (count - number)))


def repeated_frames(count: int) -> Iterator[bytes]:
    """The same frame of a stream that is over, again and again."""
    yield from _said(0, count, lambda _: stream(0, _GET, fin=True))


def insertions(count: int) -> Iterator[bytes]:
    """Insertions into the table of fields."""
    quic = Quic()
    yield from quic.opened()
    yield quic.packet(0, stream(6, b"\2\x3f\xe1\x1f"))
    field = b"\x41a\1b"
    per_packet = 1000 // len(field)
    at = 4
    for _ in range(count // per_packet):
        yield quic.packet(0, stream(6, field * per_packet, offset=at))
        at += len(field) * per_packet


def blocked(count: int) -> Iterator[bytes]:
    """Requests whose fields need insertions that do not come."""
    yield from _said(0, count, lambda number: stream(4 * number, b"\1\3\2\0\x80", fin=True))


def priorities(count: int) -> Iterator[bytes]:
    """PRIORITY_UPDATE by the million, on the control stream (RFC 9218 section 7.2)."""
    quic = Quic()
    yield from quic.opened()
    frame = b"\x80\x0f\x07\0\4\0u=1"
    per_packet = 1000 // len(frame)
    at = 3
    for _ in range(count // per_packet):
        yield quic.packet(0, stream(2, frame * per_packet, offset=at))
        at += len(frame) * per_packet


def acknowledgments(count: int) -> Iterator[bytes]:
    """ACK frames."""
    yield from _said(1, count, lambda _: _ACKNOWLEDGED)


def challenges(count: int) -> Iterator[bytes]:
    """PATH_CHALLENGE frames."""
    yield from _said(1, count, lambda _: _PATH_CHALLENGE)


def challenges_everywhere(count: int) -> Iterator[bytes]:
    """The same on many connections at a time."""
    for number in range(count // 2000):
        quic = Quic(1024 + number, struct.pack("!Q", number))
        yield from quic.opened()
        yield from quic.said(1, (_PATH_CHALLENGE for _ in range(2000)))


def limits(count: int) -> Iterator[bytes]:
    """Limits of streams, each of another one."""
    yield from _said(1, count, lambda number: b"\x11" + integer(4 * number) + integer(number))


def connection_ids(count: int) -> Iterator[bytes]:
    """NEW_CONNECTION_ID frames."""
    yield from _said(1, count, lambda n: b"\x18" + integer(n) + b"\0\x08" + struct.pack("!Q", n) + b"t" * 16)


def closes(count: int) -> Iterator[bytes]:
    """CONNECTION_CLOSE, one a packet."""
    quic = Quic()
    yield from quic.opened()
    for _ in range(count):
        yield quic.packet(1, b"\x1d\x41\0\3why")


def packets(count: int) -> Iterator[bytes]:
    """Packets of one frame that says nothing."""
    quic = Quic()
    yield from quic.opened()
    for number in range(count):
        yield quic.packet(number & 1, b"\1")


def connections(count: int) -> Iterator[bytes]:
    """Connections with one exchange each, all of them open."""
    for number in range(count):
        quic = Quic(1024 + number % 60_000, struct.pack("!Q", number))
        yield from quic.opened()
        yield quic.packet(0, stream(0, _GET, fin=True))
        yield quic.packet(1, stream(0, _OK, fin=True))
