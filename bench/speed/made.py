"""A capture made by script: TCP segments written to a pcapng file, real OpenSSL at both ends.

Time is the writer's own clock, so that a capture is as good on a slow machine. What is said at once is
acknowledged at once, where it takes more than one segment.
"""

from __future__ import annotations

import contextlib
import random
import ssl
import struct
from typing import TYPE_CHECKING, BinaryIO

from plainwire.lab import certificates

if TYPE_CHECKING:
    from pathlib import Path

    from h2.connection import H2Connection

MOST = 1448
"""Bytes of a segment on Ethernet, with TCP's timestamps (RFC 6691)."""

CLIENT, SERVER = 0, 1
FIN, SYN, PSH, ACK = 1, 2, 8, 16
_STEP_US = 40
_ETHERNET = (b"\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x08\0", b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x08\0")
_FLUSH = 1 << 22


class CaptureFile:
    """Packets as they are captured. ``disorder`` of the segments are overtaken or sent twice."""

    def __init__(self, file: BinaryIO, *, disorder: float = 0.0) -> None:
        self.disorder = disorder
        self.luck = random.Random(1)  # the same capture each time
        self._file = file
        self._clock_us = 1_700_000_000_000_000
        self._parts: list[bytes] = []
        self._size = 0

    def tick(self, microseconds: int) -> None:
        """Let time pass."""
        self._clock_us += microseconds

    def packet(self, side: int, ip: bytes) -> None:
        """One packet."""
        frame = _ETHERNET[side] + ip
        self._clock_us += _STEP_US
        high, low = self._clock_us >> 32, self._clock_us & 0xFFFFFFFF
        head = struct.pack("<IIIII", 0, high, low, len(frame), len(frame))
        self._write(_block(6, head + frame + bytes(-len(frame) % 4)))

    def _write(self, block: bytes) -> None:
        self._parts.append(block)
        self._size += len(block)
        if self._size > _FLUSH:
            self.flush()

    def flush(self) -> None:
        """Write what is held back."""
        self._file.write(b"".join(self._parts))
        self._parts, self._size = [], 0


class Tcp:
    """A connection's segments."""

    def __init__(self, capture: CaptureFile, number: int) -> None:
        self._capture = capture
        client = bytes((10, number // 50_000 >> 8, number // 50_000 & 255, 2))
        ends = (client, b"\xcb\0\x71\x07")
        self._addresses = (ends[0] + ends[1], ends[1] + ends[0])
        ports = (10_000 + number % 50_000, 443)
        self._ports = struct.pack("!HH", *ports), struct.pack("!HH", *reversed(ports))
        self._next = [number * 7919 & 0xFFFFFFFF, number * 104_729 & 0xFFFFFFFF]
        self._ip_id = [0, 0]

    def open(self) -> None:
        """The handshake of TCP."""
        self._segment(CLIENT, SYN, b"")
        self._segment(SERVER, SYN | ACK, b"")
        self._segment(CLIENT, ACK, b"")

    def send(self, side: int, data: bytes) -> None:
        """Bytes of one side, and the other's acknowledgments on the way."""
        capture = self._capture
        parts = [data[at : at + MOST] for at in range(0, len(data), MOST)]
        segments = [self._made(side, PSH | ACK, part) for part in parts]
        for segment in self._in_disorder(segments) if capture.disorder else segments:
            capture.packet(side, segment)
        if len(segments) > 1:
            self._segment(1 - side, ACK, b"")

    def _in_disorder(self, segments: list[bytes]) -> list[bytes]:
        """Some overtaken by the next one, some sent again at the end."""
        arrived: list[bytes] = []
        again: list[bytes] = []
        for segment in segments:
            luck = self._capture.luck.random() / self._capture.disorder * 3
            if luck < 1 and arrived:
                arrived.insert(-1, segment)
            else:
                arrived.append(segment)
            if 1 <= luck < 3:
                again.append(segment)
        return arrived + again

    def close(self) -> None:
        """Both sides' FIN."""
        self._segment(CLIENT, FIN | ACK, b"")
        self._segment(SERVER, FIN | ACK, b"")
        self._segment(CLIENT, ACK, b"")

    def _segment(self, side: int, flags: int, data: bytes) -> None:
        self._capture.packet(side, self._made(side, flags, data))

    def _made(self, side: int, flags: int, data: bytes) -> bytes:
        options = b"\2\4\5\xb4\1\3\3\7" if flags & SYN else b""
        known = self._next[1 - side] if flags & ACK else 0
        head = struct.pack("!IIBBHHH", self._next[side], known, 80 + 4 * len(options) & 240, flags, 502, 0, 0)
        self._ip_id[side] = self._ip_id[side] + 1 & 0xFFFF
        ip = struct.pack(
            "!BBHHHBBH", 0x45, 0, 40 + len(options) + len(data), self._ip_id[side], 16384, 64, 6, 0
        )
        self._next[side] = self._next[side] + len(data) + (1 if flags & (SYN | FIN) else 0) & 0xFFFFFFFF
        return b"".join((ip, self._addresses[side], self._ports[side], head, options, data))


class Contexts:
    """What both ends know before they connect; ``keys`` is where OpenSSL writes the key log."""

    def __init__(self, folder: Path, version: ssl.TLSVersion, protocols: list[str]) -> None:
        files = certificates.make(folder, ("storage.example",))
        self.keys = folder / "keys.log"
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.server.load_cert_chain(files.chain, files.key)
        self.client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.client.check_hostname, self.client.verify_mode = False, ssl.CERT_NONE
        for context in (self.client, self.server):
            context.minimum_version = context.maximum_version = version
            context.set_alpn_protocols(protocols)
        self.server.num_tickets = 1
        self.client.keylog_filename = str(self.keys)


class Session:
    """TLS on a connection: what a side says comes out in records, and goes into segments."""

    def __init__(self, capture: CaptureFile, number: int, contexts: Contexts) -> None:
        self.tcp = Tcp(capture, number)
        self._bios = (ssl.MemoryBIO(), ssl.MemoryBIO())  # what client and server send
        self._ends = (
            contexts.client.wrap_bio(self._bios[1], self._bios[0], server_hostname="storage.example"),
            contexts.server.wrap_bio(self._bios[0], self._bios[1], server_side=True),
        )

    def open(self) -> None:
        """The handshakes of TCP and TLS."""
        self.tcp.open()
        done = [False, False]
        while not all(done):
            for side in (CLIENT, SERVER):
                try:
                    self._ends[side].do_handshake()
                    done[side] = True
                except ssl.SSLWantReadError:
                    pass
                self._pass_on(side)
        with contextlib.suppress(ssl.SSLWantReadError):
            self._ends[CLIENT].read(1)  # takes the tickets, which would be sent again with what is said next

    def say(self, side: int, text: bytes) -> None:
        """One ``SSL_write``; the other side reads it."""
        for at in range(0, len(text), 16384):
            part = text[at : at + 16384]
            self._ends[side].write(part)
            self._pass_on(side)
            left = len(part)
            while left:
                left -= len(self._ends[1 - side].read(left))

    def _pass_on(self, side: int) -> None:
        """Into a segment, and for the other end, whose BIO it is read from."""
        bio = self._bios[side]
        data = bio.read()
        if data:
            self.tcp.send(side, data)
            bio.write(data)

    def close(self) -> None:
        """Both sides' close_notify and FIN."""
        for side in (CLIENT, SERVER):
            with contextlib.suppress(ssl.SSLError):
                self._ends[side].unwrap()
            data = self._bios[side].read()
            if data:
                self.tcp.send(side, data)
                self._bios[side].write(data)
        self.tcp.close()


class Http2:
    """HTTP/2 on a session: both ends are the library h2's."""

    def __init__(self, session: Session) -> None:
        from h2.config import H2Configuration  # noqa: PLC0415 - for some workloads only
        from h2.connection import H2Connection as Connection  # noqa: PLC0415

        self._session = session
        self.ends: tuple[H2Connection, H2Connection] = (
            Connection(H2Configuration(client_side=True, header_encoding="utf-8")),
            Connection(H2Configuration(client_side=False, header_encoding="utf-8")),
        )
        for side in (CLIENT, SERVER):
            self.ends[side].initiate_connection()
        for side in (CLIENT, SERVER, CLIENT):
            self.pass_on(side)

    def pass_on(self, side: int) -> None:
        """What a side has to say, to the other."""
        data = self.ends[side].data_to_send()
        if data:
            self._session.say(side, data)
            self.ends[1 - side].receive_data(data)


def head(secrets: bytes) -> bytes:
    """What stands ahead of the packets: section, interface, a Decryption Secrets Block if there are any."""
    blocks = [
        _block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)),
        _block(1, struct.pack("<HHI", 1, 0, 262144)),
    ]
    if secrets:
        size = struct.pack("<II", 0x544C534B, len(secrets))
        blocks.append(_block(10, size + secrets + bytes(-len(secrets) % 4)))
    return b"".join(blocks)


def _block(kind: int, body: bytes) -> bytes:
    size = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + size + body + size
