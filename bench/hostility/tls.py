"""TLS: records, handshakes, alerts, certificates."""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import struct
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from hostility.transport import ANSWER, REQUEST
from hostility.wire import ACK, FIN, RST, Tcp, address

if TYPE_CHECKING:
    from collections.abc import Iterator

_ALERT, _HANDSHAKE, _APPLICATION = 21, 22, 23
_SUITE = b"\x13\x01"  # TLS_AES_128_GCM_SHA256
KEY_SECRET = bytes(range(32))
KEY_RANDOM = b"r" * 32
KEY_LOG = "".join(
    f"{label} {KEY_RANDOM.hex()} {KEY_SECRET.hex()}\n"
    for label in (
        "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
        "SERVER_HANDSHAKE_TRAFFIC_SECRET",
        "CLIENT_TRAFFIC_SECRET_0",
        "SERVER_TRAFFIC_SECRET_0",
    )
)
"""One secret for all: what matters here is that it opens the records."""


def record(kind: int, body: bytes) -> bytes:
    """A record as it is before there are keys (RFC 8446 section 5.1)."""
    return struct.pack("!BHH", kind, 0x0303, len(body)) + body


def message(kind: int, body: bytes) -> bytes:
    """A handshake message (RFC 8446 section 4)."""
    return bytes((kind,)) + struct.pack("!I", len(body))[1:] + body


def client_hello(random: bytes, suite: bytes = _SUITE, extensions: bytes = b"\0\x2b\0\3\2\3\4") -> bytes:
    """A ClientHello message (RFC 8446 section 4.1.2)."""
    suites = struct.pack("!H", len(suite)) + suite
    body = b"\3\3" + random + b"\0" + suites + b"\1\0" + struct.pack("!H", len(extensions)) + extensions
    return message(1, body)


def server_hello(suite: bytes = _SUITE, extensions: bytes = b"\0\x2b\0\2\3\4") -> bytes:
    """A ServerHello message (RFC 8446 section 4.1.3)."""
    return message(
        2, b"\3\3" + b"s" * 32 + b"\0" + suite + b"\0" + struct.pack("!H", len(extensions)) + extensions
    )


def _expanded(label: bytes, size: int) -> bytes:
    info = struct.pack("!HB", size, len(label) + 6) + b"tls13 " + label + b"\0"
    return HKDFExpand(hashes.SHA256(), size, info).derive(KEY_SECRET)


class Sealing:
    """The records of one side under one secret (RFC 8446 section 5.2)."""

    def __init__(self) -> None:
        self._key = AESGCM(_expanded(b"key", 16))
        self._iv = int.from_bytes(_expanded(b"iv", 12))
        self._number = 0

    def record(self, kind: int, body: bytes) -> bytes:
        """The next record, sealed."""
        inner = body + bytes((kind,))
        head = struct.pack("!BHH", _APPLICATION, 0x0303, len(inner) + 16)
        nonce = (self._iv ^ self._number).to_bytes(12)
        self._number += 1
        return head + self._key.encrypt(nonce, inner, head)


def tiny_records(count: int) -> Iterator[bytes]:
    """A response in records of one byte, which can be decrypted."""
    tcp = Tcp(server_port=443)
    yield from tcp.opened()
    yield from tcp.sent(0, record(_HANDSHAKE, client_hello(KEY_RANDOM)))
    finished = message(20, bytes(32))
    flight = Sealing().record(_HANDSHAKE, message(8, b"\0\0") + finished)
    yield from tcp.sent(1, record(_HANDSHAKE, server_hello()) + flight)
    yield from tcp.sent(0, Sealing().record(_HANDSHAKE, finished))
    yield from tcp.sent(0, Sealing().record(_APPLICATION, REQUEST))
    server = Sealing()
    yield from tcp.sent(
        1, server.record(_APPLICATION, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % count)
    )
    for start in range(0, count, 500):
        yield from tcp.sent(
            1, b"".join(server.record(_APPLICATION, b"a") for _ in range(min(500, count - start)))
        )


def _begun(tcp: Tcp) -> Iterator[bytes]:
    yield from tcp.opened()
    yield from tcp.sent(0, record(_HANDSHAKE, client_hello(KEY_RANDOM, b"\xc0\x2f", b"")))


def empty_records(count: int) -> Iterator[bytes]:
    """Records of application data without any."""
    tcp = Tcp(server_port=443)
    yield from _begun(tcp)
    yield from tcp.said(0, record(_APPLICATION, b""), count)


def empty_handshake(count: int) -> Iterator[bytes]:
    """Handshake records without anything."""
    tcp = Tcp(server_port=443)
    yield from tcp.opened()
    yield from tcp.said(0, record(_HANDSHAKE, b""), count)


def handshake_of_a_byte(count: int) -> Iterator[bytes]:
    """A handshake message of megabytes, one byte a record."""
    tcp = Tcp(server_port=443)
    yield from tcp.opened()
    yield from tcp.sent(0, record(_HANDSHAKE, b"\1\xff\xff\xff\3\3"))
    yield from tcp.said(0, record(_HANDSHAKE, b"a"), count)


def hello_requests(count: int) -> Iterator[bytes]:
    """HelloRequests and ClientHellos in turn."""
    tcp = Tcp(server_port=443)
    yield from _begun(tcp)
    yield from tcp.said(1, record(_HANDSHAKE, message(0, b"")), count)
    yield from tcp.said(0, record(_HANDSHAKE, client_hello(KEY_RANDOM, b"\xc0\x2f", b"")), count)


def alerts(count: int) -> Iterator[bytes]:
    """Fatal alerts."""
    tcp = Tcp(server_port=443)
    yield from _begun(tcp)
    yield from tcp.said(1, record(_ALERT, b"\2\x5a"), count)


def hellos(count: int) -> Iterator[bytes]:
    """Handshakes that get no further than the ClientHello, each with another random."""
    for number in range(count):
        tcp = Tcp(1024 + number % 60_000, server_port=443, client=address(number))
        yield from tcp.opened()
        yield from tcp.sent(0, record(_HANDSHAKE, client_hello(hashlib.sha256(b"%d" % number).digest())))
        yield tcp.segment(1, RST)


@functools.cache
def certificate(names: int) -> bytes:
    """A certificate for so many names, in DER."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "hostile.example")])
    begin = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    also = x509.SubjectAlternativeName([x509.DNSName(f"n{number}.example") for number in range(names)])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, begin, begin + dt.timedelta(1))
    return (
        made.add_extension(also, critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.DER)
    )


def _refused_certificate(number: int, der: bytes) -> Iterator[bytes]:
    tcp = Tcp(1024 + number % 60_000, server_port=443, client=address(number))
    one = struct.pack("!I", len(der))[1:] + der
    listed = message(11, struct.pack("!I", len(one))[1:] + one)
    yield from _begun(tcp)
    yield from tcp.sent(1, record(_HANDSHAKE, server_hello(b"\xc0\x2f", b"")))
    for start in range(0, len(listed), 16_000):
        yield from tcp.sent(1, record(_HANDSHAKE, listed[start : start + 16_000]))
    yield from tcp.sent(0, record(_ALERT, b"\2\x30"))
    yield tcp.segment(0, FIN | ACK)


def certificates(count: int) -> Iterator[bytes]:
    """Handshakes that fail for a certificate, each another one."""
    der = certificate(1)
    for number in range(count):
        yield from _refused_certificate(number, der[:-8] + struct.pack("!Q", number))


def long_certificates(count: int) -> Iterator[bytes]:
    """The same with tens of thousands of names."""
    der = certificate(30_000)
    for number in range(count):
        yield from _refused_certificate(number, der[:-8] + struct.pack("!Q", number))


def plain_after_hello(count: int) -> Iterator[bytes]:
    """Connections that begin as TLS and go on in plain HTTP."""
    for number in range(count):
        tcp = Tcp(1024 + number % 60_000, server_port=443, client=address(number))
        yield from tcp.opened()
        yield from tcp.sent(0, record(_HANDSHAKE, client_hello(KEY_RANDOM)))
        yield from tcp.sent(1, ANSWER)
        yield tcp.segment(1, FIN | ACK)
