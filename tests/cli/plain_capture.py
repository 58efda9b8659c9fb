"""A small capture of plain HTTP, written byte by byte: no capturing right and no server needed."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
CLIENT, SERVER = (bytes([192, 0, 2, 7]), 40000), (bytes([203, 0, 113, 7]), 80)
_LINKTYPE_RAW = 101

GET = b"GET /object?token=hunter2 HTTP/1.1\r\nHost: storage.example\r\nAuthorization: Basic hunter2\r\n\r\n"
POST = b"POST /upload HTTP/1.1\r\nHost: storage.example\r\nContent-Length: 5\r\n\r\nhello"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nSet-Cookie: id=hunter2\r\n\r\nyes"


def write(path: Path) -> Path:
    """Two exchanges: one answered, one reset after it had been acknowledged (pcap, LINKTYPE_RAW)."""
    c, s = 1000, 5000  # initial sequence numbers
    asked, answered, posted = len(GET), len(OK), len(POST)
    packets = [
        _segment(CLIENT, SERVER, c, 0, SYN),
        _segment(SERVER, CLIENT, s, c + 1, SYN | ACK),
        _segment(CLIENT, SERVER, c + 1, s + 1, ACK),
        _segment(CLIENT, SERVER, c + 1, s + 1, PSH | ACK, GET),
        _segment(SERVER, CLIENT, s + 1, c + 1 + asked, PSH | ACK, OK),
        _segment(CLIENT, SERVER, c + 1 + asked, s + 1 + answered, PSH | ACK, POST),
        _segment(SERVER, CLIENT, s + 1 + answered, c + 1 + asked + posted, RST | ACK),
    ]
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, _LINKTYPE_RAW))
        for number, packet in enumerate(packets):
            file.write(
                struct.pack("<IIII", 1_700_000_000, number * 40_000, len(packet), len(packet)) + packet
            )
    return path


def _segment(
    source: tuple[bytes, int], target: tuple[bytes, int], seq: int, ack: int, flags: int, payload: bytes = b""
) -> bytes:
    tcp = struct.pack(">HHIIBBHHH", source[1], target[1], seq, ack, 5 << 4, flags, 500, 0, 0) + payload
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), 7, 0, 64, 6, 0) + source[0] + target[0]
    return ip + tcp
