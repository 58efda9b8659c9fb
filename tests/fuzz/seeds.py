"""What mutation begins with: an input of every target that is read to its end, or nearly."""

from __future__ import annotations

import gzip
import itertools
from typing import TYPE_CHECKING

import zstandard
from hostility import http2, tls, transport

from tests.builders.captures import enhanced, interface, obsolete, pcap, secrets, section, simple, statistics
from tests.builders.links import ether_ip
from tests.fuzz.targets import joined
from tests.http.talk import CLIENT, GET, OK, SERVER
from tests.http.talk2 import PREFACE, SETTINGS, SETTINGS_ACK, frame
from tests.http.test_http3 import ASK, Streams
from tests.http.test_http3 import OK as ANSWERED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_UPGRADE = b"GET /ws HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
_SWITCHED = (
    b"HTTP/1.1 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"
)
_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: %s\r\n\r\n"
_EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nid: 1\nevent: error\ndata: {}\n\n"
_TO_CLIENT = 1


def _first(packets: Iterable[bytes], count: int = 12) -> list[bytes]:
    return list(itertools.islice(packets, count))


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _http1() -> list[bytes]:
    packed = gzip.compress(b"contents"), zstandard.compress(b"contents")
    talks = [
        joined((0, GET), (1, OK), (0, GET + GET), (1, OK + OK)),
        joined((0, b"POST / HTTP/1.1\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\nbody"), (1, OK)),
        joined((0, GET), (1, (_CHUNKED % b"gzip") + _chunk(packed[0]) + b"0\r\nA: b\r\n\r\n")),
        joined((0, GET), (1, (_CHUNKED % b"zstd") + _chunk(packed[1]) + b"0\r\n\r\n")),
        joined((0, GET), (1, _EVENTS)),
        joined((0, _UPGRADE), (1, _SWITCHED + b"\x81\x02hi\xc1\x03\xca\xc8\x04\x89\0\x88\x02\x03\xe8")),
        joined((0, b"CONNECT a:443 HTTP/1.1\r\n\r\n"), (1, b"HTTP/1.1 200 OK\r\n\r\n"), (0, GET), (1, OK)),
        joined((0, GET), (1, b"HTTP/1.1 103 E\r\nLink: a\r\n\r\n" + OK), (0x0F, b"gone")),
    ]
    return [bytes((exact,)) + talk for talk in talks for exact in (0, 1)]


def _http2() -> list[bytes]:
    opened = (0, PREFACE + SETTINGS), (1, SETTINGS + SETTINGS_ACK)
    call = b"\x83\x86\x44\x04/a/b\x41\x01a\x40\x0ccontent-type\x10application/grpc\x40\x02te\x08trailers"
    tunnel = b"\x02\x07CONNECT\x41\x05a:443"
    talks = [
        joined(
            *opened, (0, frame(1, 5, 1, http2.GET)), (1, frame(1, 4, 1, b"\x88") + frame(0, 1, 1, b"yes"))
        ),
        joined(
            *opened, (0, frame(1, 4, 1, call) + frame(0, 1, 1, b"\0\0\0\0\1x")), (1, frame(1, 5, 1, b"\x88"))
        ),
        joined(*opened, (0, frame(1, 4, 1, tunnel)), (1, frame(1, 4, 1, b"\x88")), (0, frame(0, 0, 1, GET))),
        joined(
            *opened,
            (0, frame(1, 5, 1, http2.GET) + frame(3, 0, 1, b"\0\0\0\x08")),
            (1, frame(7, 0, 0, b"\0" * 8)),
        ),
        joined(
            *opened,
            (0, frame(1, 1, 1, http2.GET[:2]) + frame(9, 4, 1, http2.GET[2:])),
            (1, frame(6, 0, 0, b"x" * 8)),
        ),
        joined(
            *opened,
            (0, frame(1, 5, 1, http2.GET)),
            (1, frame(5, 4, 1, b"\0\0\0\2" + http2.GET) + frame(8, 0, 0, b"\0\0\1\0")),
        ),
        joined(
            (0, frame(1, 5, 1, http2.GET)), (1, frame(1, 5, 1, b"\x88") + frame(4, 0, 0, b"\0\1\0\0\x10\0"))
        ),
    ]
    return [bytes((exact,)) + talk for talk in talks for exact in (0, 1)]


def _http3() -> list[bytes]:
    streams = (
        Streams().open().message(0, CLIENT, [*ASK, ("a", "b" * 40)]).message(0, SERVER, ANSWERED, b"yes")
    )
    kinds = {0: 0, 2: 1, 3: 2, 4: 3, 6: 4, 7: 5}
    parts = [
        (kinds[p.stream] << 4 | p.fin << 7 | p.side, p.data)
        for p in streams.pieces
        if isinstance(p.data, bytes)
    ]
    return [joined(*parts)]


def _tls() -> list[bytes]:
    hello = tls.client_hello(b"r" * 32)
    finished = b"\x14\0\0\x20" + bytes(32)
    sealed = [
        (0x20, hello),
        (0x21, tls.server_hello()),
        (0xA1, b"\x08\0\0\2\0\0" + finished),
        (0xA0, finished),
        (0xB0, GET),
        (0xB1, OK),
        (0x91, b"\1\0"),
        (0xA1, b"\x18\0\0\1\0"),
    ]
    plain = [
        (0x20, tls.client_hello(b"r" * 32, b"\xc0\x2f", b"")),
        (0x21, tls.server_hello(b"\xc0\x2f", b"")),
        (0x10, b"\2\x2e"),
    ]
    return [
        joined(*sealed),
        joined(*plain),
        joined((0x40, GET), (0x41, OK)),
        joined((0x41, b"220 a\r\n"), (0x40, b"STARTTLS\r\n")),
    ]


def _captures() -> list[bytes]:
    packets = _first(transport.connections(1))
    blocks = section() + interface() + secrets(tls.KEY_LOG.encode()) + statistics(3)
    files = [
        pcap(packets),
        pcap(packets, order=">"),
        blocks + b"".join(enhanced(packet, 1000 * n) for n, packet in enumerate(packets)),
        section(">") + interface(order=">") + b"".join(enhanced(packet, order=">") for packet in packets),
        section() + interface() + simple(packets[0]) + obsolete(packets[1]),
    ]
    return [*files, gzip.compress(files[2]), zstandard.compress(files[0])]


def _packets() -> list[bytes]:
    raw = (
        _first(transport.connections(1))
        + _first(transport.nested_tunnels(1))
        + _first(transport.icmp_errors(2))
    )
    raw += _first(transport.fragments(3))
    framed = [ether_ip(packet) for packet in raw]
    return [
        b"\0" + joined(*((0, packet) for packet in raw)),
        b"\1" + joined(*((0, packet) for packet in framed)),
    ]


SEEDS: dict[str, Callable[[], list[bytes]]] = {
    "capture_files": _captures,
    "packets": _packets,
    "http1": _http1,
    "http2": _http2,
    "http3": _http3,
    "hpack": lambda: [
        joined((0, http2.GET + b"\x40\1a\1b"), (0, b"\xbe\x3f\xe1\x1f\x82"), (0x0E, http2.GET))
    ],
    "qpack": lambda: [
        joined((0, b"\x3f\xe1\x1f\x41a\1b\x80"), (1, b"\2\0\x80\xd1"), (1, b"\0\0\x51\1/\xd7"))
    ],
    "tls": _tls,
    "quic": lambda: [
        joined(
            (0x80, b"\6\0" + b"\x40\x80" + tls.client_hello(b"r" * 32)),
            (0x81, b"\1"),
            (0x00, b"\x40" + b"q" * 40),
        ),
        joined((0x80, b"\1\2\0\0\0\x1c\0\0\2no\x06\x01\x02ab\x0a\0\1x")),
    ],
    "dns": lambda: [
        joined(
            (0, next(iter(transport.questions(1)))[28:]),
            (1, next(iter(transport.pointing_names(1)))[28:][:90]),
        ),
    ],
    "certificates": lambda: [tls.certificate(3), b"\0\0\x05\0\0\2ab", tls.client_hello(b"r" * 32)[4:]],
    "key_logs": lambda: [
        tls.KEY_LOG.encode(),
        b"CLIENT_RANDOM %s %s\nRSA 0011223344556677 %s\n# x\n" % (b"ab" * 32, b"cd" * 48, b"ef" * 48),
    ],
}
"""By target. Made when they are asked for."""
