"""The readers: each takes any bytes, and raises nothing but what it declares."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hostility import quic as hostile_quic
from hostility import tls as hostile_tls
from hostility.wire import ACK, PSH, Tcp, datagram

from plainwire.capture import reader
from plainwire.dns import messages
from plainwire.http.hpack import HpackDecoder
from plainwire.http.http1_fields import FieldParser
from plainwire.http.qpack import QpackDecoder
from plainwire.model import UserError
from plainwire.pipeline import Analysis
from plainwire.quic import frames, headers, parameters
from plainwire.report import json
from plainwire.tls import certificate, handshake_messages
from plainwire.tls.keylog import KeyLog
from tests.builders.captures import pcap
from tests.http.talk import Talk
from tests.http.talk2 import read
from tests.http.test_http3 import Streams

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from plainwire.model import Side

_MOST_PIECES = 64


class Piece:
    """What an input says is sent next: a byte of what, two of how much, and the bytes themselves."""

    def __init__(self, head: int, data: bytes) -> None:
        self.side: Side = (CLIENT, SERVER)[head & 1]
        self.hole = head & 0xE == 0xE
        self.kind = head >> 4
        self.data = data


def pieces(data: bytes) -> Iterator[Piece]:
    """An input as a talk of two sides."""
    at = 0
    for _ in range(_MOST_PIECES):
        if at + 3 > len(data):
            return
        size = int.from_bytes(data[at + 1 : at + 3]) & 0x3FFF
        yield Piece(data[at], data[at + 3 : at + 3 + size])
        at += 3 + size


def joined(*parts: tuple[int, bytes]) -> bytes:
    """The input that ``pieces`` takes apart: heads, and what is sent."""
    return b"".join(bytes((head,)) + len(data).to_bytes(2) + data for head, data in parts)


def _analyzed(capture: bytes, *, keys: KeyLog | None = None) -> None:
    with tempfile.NamedTemporaryFile(dir=_FOLDER) as file:
        file.write(capture)
        file.flush()
        analysis = Analysis(keys)
        try:
            for item in reader.read([file.name]):
                analysis.feed(item)
        except UserError:
            return
        report = analysis.close()
    assert report.coverage.bugs == [], report.coverage.bugs
    for _ in json.encoded(report):
        pass


def capture_files(data: bytes) -> None:
    """pcap, pcapng, packed or not."""
    _analyzed(data)


def packets(data: bytes) -> None:
    """Packets behind any kind of link."""
    if data:
        parts = [piece.data for piece in pieces(data[1:])]
        _analyzed(pcap(parts, link=_LINKS[data[0] % len(_LINKS)]))


def _talk(data: bytes, *, exact: bool) -> Talk:
    talk = Talk(exact=exact)
    for piece in pieces(data):
        if piece.hole:
            talk.hole(piece.side, len(piece.data) or 1)
        elif piece.data:
            talk.send(piece.side, piece.data)
    return talk


def http1(data: bytes) -> None:
    """Both sides of HTTP/1, WebSockets, streams of events, content codings."""
    if data:
        talk = _talk(data[1:], exact=bool(data[0] & 1))
        for at_once in (False, True):
            for exchange in talk.read(at_once=at_once):
                assert exchange.request is not None or exchange.response is not None
    FieldParser().parse(data)


def http2(data: bytes) -> None:
    """Both sides of HTTP/2, gRPC and CONNECT streams with it."""
    if data:
        read(_talk(data[1:], exact=bool(data[0] & 1)))


def http3(data: bytes) -> None:
    """The streams of HTTP/3."""
    streams = Streams()
    for piece in pieces(data):
        stream = _STREAMS[piece.kind % len(_STREAMS)]
        streams.send(
            stream, piece.side, len(piece.data) or 1 if piece.hole else piece.data, fin=bool(piece.kind & 8)
        )
    streams.read()


def hpack(data: bytes) -> None:
    """Header blocks of HTTP/2, one after the other."""
    decoder = HpackDecoder()
    for piece in pieces(data):
        block = decoder.decode(piece.data)
        assert sum(len(name) + len(value) for name, value in block.fields) <= 1 << 20
        if piece.hole:
            decoder.forget("a hole")


def qpack(data: bytes) -> None:
    """Instructions and field sections of HTTP/3."""
    decoder = QpackDecoder()
    decoder.capacity = 4096
    for piece in pieces(data):
        if piece.side == CLIENT:
            decoder.feed(piece.data)
        elif not decoder.waits(piece.data):
            decoder.decode(piece.data)
        if piece.hole:
            decoder.forget("a hole")


def tls(data: bytes) -> None:
    """Records of both sides: as they are, or sealed with keys that plainwire has."""
    keys = KeyLog()
    keys.add(hostile_tls.KEY_LOG.encode())
    tcp = Tcp(server_port=443)
    sealing = hostile_tls.Sealing(), hostile_tls.Sealing()
    sent = list(tcp.opened())
    for piece in pieces(data):
        kind = (20, 21, 22, 23)[piece.kind & 3]
        if piece.hole:
            tcp.next[piece.side] += len(piece.data)
        elif piece.kind & 8:
            sent.append(tcp.segment(piece.side, PSH | ACK, sealing[piece.side].record(kind, piece.data)))
        elif piece.kind & 4:
            sent.append(tcp.segment(piece.side, PSH | ACK, piece.data))
        else:
            sent.append(tcp.segment(piece.side, PSH | ACK, hostile_tls.record(kind, piece.data)))
    _analyzed(pcap(sent), keys=keys)


def quic(data: bytes) -> None:
    """Datagrams as they are, or Initial packets with any frames; what frames and parameters may be."""
    sent = []
    for piece in pieces(data):
        payload = piece.data
        if piece.kind & 8:
            payload = hostile_quic.initial(b"fuzzfuzz", payload[:1100])
        sent.append(datagram(payload, port=40_000, server_port=443, from_server=bool(piece.side)))
    _analyzed(pcap(sent))
    frames.parse(data)
    headers.read_long(data)
    parameters.parse(data)


def dns(data: bytes) -> None:
    """Questions and answers."""
    messages.parse(data)
    sent = [datagram(p.data, port=5353, server_port=53, from_server=bool(p.side)) for p in pieces(data)]
    _analyzed(pcap(sent))


def certificates(data: bytes) -> None:
    """Certificates, and the messages that they come in."""
    certificate.read(data)
    certificate.decompressed(data)
    for tls13 in (False, True):
        handshake_messages.first_certificate(data, tls13=tls13)
        handshake_messages.chain_length(data, tls13=tls13)
    for client in (False, True):
        handshake_messages.parse_hello(data, client=client)
    handshake_messages.parse_sslv2_hello(data)


def key_logs(data: bytes) -> None:
    """Key logs in Wireshark's format."""
    keys = KeyLog()
    half = len(data) // 2
    keys.add(data[:half])
    keys.add(data[half:])
    keys.secrets("CLIENT_RANDOM", data[:32])
    keys.master_secrets(data[:32], data[32:64])
    keys.premasters(data[:32], data[32:64])


CLIENT, SERVER = Talk().client(b"").acts[0].side, Talk().server(b"").acts[0].side
_FOLDER = "/dev/shm" if Path("/dev/shm").is_dir() else None
_LINKS = (101, 1, 113, 276, 0, 108, 12, 105, 127, 9, 50, 51, 163, 192, 220, 228, 229, 197)
"""Of packets: LINKTYPE_RAW, ETHERNET, LINUX_SLL and SLL2, NULL, LOOP, IEEE802_11, PPP, ERF and others."""
_STREAMS = (0, 2, 3, 4, 6, 7, 11, 15)

TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (
        capture_files,
        packets,
        http1,
        http2,
        http3,
        hpack,
        qpack,
        tls,
        quic,
        dns,
        certificates,
        key_logs,
    )
}
