"""IP packets, TCP connections and UDP datagrams, as bytes; a capture file of them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

CLIENT, SERVER = bytes((192, 0, 2, 1)), bytes((203, 0, 113, 7))
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
_LARGEST = 60_000
_RAW_IP = 101  # LINKTYPE_RAW
_BEGIN_US = 1_700_000_000_000_000

Packets = "Iterator[bytes]"


def internet(
    source: bytes, target: bytes, protocol: int, payload: bytes, *, ident: int = 1, fragment: int = 0
) -> bytes:
    """An IPv4 packet; ``fragment`` is the field of flags and offset (RFC 791 section 3.1)."""
    length = 20 + len(payload)
    head = struct.pack("!BBHHHBBH", 0x45, 0, length, ident & 0xFFFF, fragment, 64, protocol, 0)
    return head + source + target + payload


def datagram(payload: bytes, *, port: int, server_port: int, from_server: bool = False) -> bytes:
    """A UDP datagram between the client's ``port`` and the server's."""
    ends = (server_port, port) if from_server else (port, server_port)
    hosts = (SERVER, CLIENT) if from_server else (CLIENT, SERVER)
    return internet(*hosts, 17, struct.pack("!HHHH", *ends, 8 + len(payload), 0) + payload)


def address(number: int) -> bytes:
    """One of many clients."""
    return struct.pack("!I", 0x0A000000 + number)


class Tcp:
    """One TCP connection: each method gives packets."""

    def __init__(
        self, port: int = 40_000, *, server_port: int = 80, client: bytes = CLIENT, first: int = 1000
    ) -> None:
        self.ports = port, server_port
        self.hosts = client, SERVER
        self.next = [first, 2 * first]

    def segment(self, side: int, flags: int, data: bytes = b"", *, at: int | None = None) -> bytes:
        """One segment of a side (1: the server), which acknowledges all that the other one sent."""
        seq = (self.next[side] if at is None else at) & 0xFFFFFFFF
        ack = self.next[1 - side] & 0xFFFFFFFF if flags & ACK else 0
        head = struct.pack(
            "!HHIIBBHHH", self.ports[side], self.ports[1 - side], seq, ack, 5 << 4, flags, 65535, 0, 0
        )
        if at is None:
            self.next[side] += len(data) + bool(flags & (SYN | FIN))
        return internet(self.hosts[side], self.hosts[1 - side], 6, head + data)

    def opened(self) -> Iterator[bytes]:
        """The handshake."""
        yield self.segment(0, SYN)
        yield self.segment(1, SYN | ACK)
        yield self.segment(0, ACK)

    def sent(self, side: int, data: bytes, size: int = _LARGEST) -> Iterator[bytes]:
        """Bytes of a side, in segments of ``size``."""
        for start in range(0, len(data), size):
            yield self.segment(side, PSH | ACK, data[start : start + size])

    def said(self, side: int, unit: bytes, times: int) -> Iterator[bytes]:
        """The same again and again, without all of it being held."""
        per_turn = max(1, _LARGEST // len(unit))
        turn = unit * per_turn
        for _ in range(times // per_turn):
            yield from self.sent(side, turn)
        yield from self.sent(side, unit * (times % per_turn))


def write(path: Path, packets: Iterable[bytes]) -> int:
    """A capture with a packet a microsecond; its size."""
    with path.open("wb", 1 << 20) as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, _RAW_IP))
        for number, packet in enumerate(packets):
            seconds, rest = divmod(_BEGIN_US + number, 1_000_000)
            file.write(struct.pack("<IIII", seconds, rest, len(packet), len(packet)) + packet)
        return file.tell()
