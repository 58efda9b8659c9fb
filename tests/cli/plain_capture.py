"""A small capture of plain HTTP, written byte by byte: no capturing right and no server needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.builders.captures import pcap
from tests.builders.packets import ACK, PSH, RST, SYN, packet

if TYPE_CHECKING:
    from pathlib import Path

CLIENT, SERVER = ("192.0.2.7", 40000), ("203.0.113.7", 80)

GET = b"GET /object?token=hunter2 HTTP/1.1\r\nHost: storage.example\r\nAuthorization: Basic hunter2\r\n\r\n"
POST = b"POST /upload HTTP/1.1\r\nHost: storage.example\r\nContent-Length: 5\r\n\r\nhello"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nSet-Cookie: id=hunter2\r\n\r\nyes"


def write(path: Path) -> Path:
    """Two exchanges 40 ms a packet: one answered, one reset after it had been acknowledged."""
    c, s = 1000, 5000  # initial sequence numbers
    asked, answered, posted = len(GET), len(OK), len(POST)
    packets = [
        packet(CLIENT, SERVER, c, 0, SYN),
        packet(SERVER, CLIENT, s, c + 1, SYN | ACK),
        packet(CLIENT, SERVER, c + 1, s + 1),
        packet(CLIENT, SERVER, c + 1, s + 1, PSH | ACK, GET),
        packet(SERVER, CLIENT, s + 1, c + 1 + asked, PSH | ACK, OK),
        packet(CLIENT, SERVER, c + 1 + asked, s + 1 + answered, PSH | ACK, POST),
        packet(SERVER, CLIENT, s + 1 + answered, c + 1 + asked + posted, RST | ACK),
    ]
    path.write_bytes(pcap(packets, step=40_000))
    return path
