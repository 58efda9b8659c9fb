"""Packets and segments: floods, fragments, segments that lie anywhere."""

from __future__ import annotations

import random
import struct
from typing import TYPE_CHECKING

from hostility.wire import ACK, CLIENT, FIN, PSH, RST, SERVER, SYN, Tcp, address, datagram, internet

if TYPE_CHECKING:
    from collections.abc import Iterator

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def syns(count: int) -> Iterator[bytes]:
    """SYNs from as many addresses."""
    for number in range(count):
        yield Tcp(1024 + number % 60_000, client=address(number), first=number).segment(0, SYN)


def refused(count: int) -> Iterator[bytes]:
    """The same pair of ports again and again, refused each time."""
    for number in range(count):
        tcp = Tcp(first=number * 1_000_003)
        yield tcp.segment(0, SYN)
        yield tcp.segment(1, RST | ACK)


def resets(count: int) -> Iterator[bytes]:
    """Connections that a reset ends in the middle of a request."""
    for number in range(count):
        tcp = Tcp(1024 + number % 60_000, client=address(number))
        yield from tcp.opened()
        yield tcp.segment(0, PSH | ACK, REQUEST)
        yield tcp.segment(1, RST | ACK)


def connections(count: int) -> Iterator[bytes]:
    """Connections with one exchange each."""
    for number in range(count):
        tcp = Tcp(1024 + number % 60_000, first=number * 77_777)
        yield from tcp.opened()
        yield tcp.segment(0, PSH | ACK, REQUEST)
        yield tcp.segment(1, PSH | ACK, ANSWER)
        yield tcp.segment(1, FIN | ACK)
        yield tcp.segment(0, FIN | ACK)


def unclosed(count: int) -> Iterator[bytes]:
    """Connections that stay open, with half a request on each."""
    for number in range(count):
        tcp = Tcp(1024 + number % 60_000, client=address(number))
        yield from tcp.opened()
        yield tcp.segment(0, PSH | ACK, REQUEST[:-2])


def _body(tcp: Tcp, size: int) -> Iterator[bytes]:
    yield from tcp.opened()
    yield tcp.segment(0, PSH | ACK, REQUEST)
    yield tcp.segment(1, PSH | ACK, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)


def tiny_segments(count: int) -> Iterator[bytes]:
    """A body, one byte a segment."""
    tcp = Tcp()
    yield from _body(tcp, count)
    for _ in range(count):
        yield tcp.segment(1, PSH | ACK, b"a")


def tiny_head(count: int) -> Iterator[bytes]:
    """A header field, one byte a segment."""
    tcp = Tcp()
    yield from tcp.opened()
    yield tcp.segment(0, PSH | ACK, REQUEST[:-2] + b"X: ")
    for _ in range(count):
        yield tcp.segment(0, ACK, b"a")
    yield tcp.segment(0, PSH | ACK, b"\r\n\r\n")
    yield tcp.segment(1, PSH | ACK, ANSWER)


def backwards(count: int) -> Iterator[bytes]:
    """A body, its last segment first."""
    tcp = Tcp()
    yield from _body(tcp, 2 * count)
    base = tcp.next[1]
    for number in reversed(range(count)):
        yield tcp.segment(1, ACK, b"aa", at=base + 2 * number)


def shuffled(count: int) -> Iterator[bytes]:
    """A body, its segments in no order at all."""
    tcp = Tcp()
    yield from _body(tcp, 8 * count)
    base, order = tcp.next[1], list(range(count))
    random.Random(1).shuffle(order)
    for number in order:
        yield tcp.segment(1, ACK, b"a" * 8, at=base + 8 * number)


def holes(count: int) -> Iterator[bytes]:
    """A body of which every other segment is missing."""
    tcp = Tcp()
    yield from _body(tcp, 8 * count)
    base = tcp.next[1]
    for number in range(count):
        yield tcp.segment(1, ACK, b"aaaa", at=base + 8 * number + 4)


def overlapping(count: int) -> Iterator[bytes]:
    """Long segments that begin anywhere, and contradict each other."""
    tcp, chance = Tcp(), random.Random(1)
    yield from _body(tcp, 200 * count)
    base = tcp.next[1]
    for number in range(count):
        data = bytes((number & 255,)) * chance.randrange(1, 6_000)
        yield tcp.segment(1, ACK, data, at=base + chance.randrange(200 * count))


def retransmitted(count: int) -> Iterator[bytes]:
    """One request, sent again and again, and answered by acknowledgments alone."""
    tcp = Tcp()
    yield from tcp.opened()
    yield tcp.segment(0, PSH | ACK, REQUEST)
    first = tcp.next[0] - len(REQUEST)
    for _ in range(count // 2):
        yield tcp.segment(0, PSH | ACK, REQUEST, at=first)
        yield tcp.segment(1, ACK)


def fragments(count: int) -> Iterator[bytes]:
    """IP fragments that never become a packet."""
    for number in range(count):
        yield internet(CLIENT, SERVER, 6, b"x" * 8, ident=number, fragment=0x2000 | (number * 7 & 0x1FFF))


def overlapping_fragments(count: int) -> Iterator[bytes]:
    """Fragments of few packets, again and again in the same places."""
    for number in range(count):
        place = number % 8000
        yield internet(CLIENT, SERVER, 17, b"x" * 16, ident=number // 8000, fragment=0x2000 | place)


def icmp_errors(count: int) -> Iterator[bytes]:
    """A connection, and word after word that its server cannot be reached."""
    tcp = Tcp()
    quoted = tcp.segment(0, SYN)
    yield quoted
    error = struct.pack("!BBHI", 3, 1, 0, 0) + quoted[:28]
    for _ in range(count):
        yield internet(SERVER, CLIENT, 1, error)


def questions(count: int) -> Iterator[bytes]:
    """Questions to a name server, each for another name."""
    for number in range(count):
        ask = struct.pack("!HHHHHH", number & 0xFFFF, 0x100, 1, 0, 0, 0) + b"\x08%08d\0\0\1\0\1" % number
        yield datagram(ask, port=1024 + number % 60_000, server_port=53)


def pointing_names(count: int) -> Iterator[bytes]:
    """Answers whose names point at themselves, and that announce more records than there are."""
    record = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4abcd"
    answer = b"\x12\x34\x81\x80\0\1\xff\xff\0\0\0\0\xc0\x0c\0\1\0\1" + record * 80
    for _ in range(count):
        yield datagram(answer, port=5353, server_port=53, from_server=True)


def nested_tunnels(count: int) -> Iterator[bytes]:
    """IP in IP in IP, a hundred times over."""
    inner = Tcp().segment(0, SYN)
    for _ in range(100):
        inner = internet(CLIENT, SERVER, 4, inner)
    for _ in range(count):
        yield inner
