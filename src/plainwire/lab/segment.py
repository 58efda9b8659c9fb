"""One TCP segment in one IPv4 packet, read and made, as far as a middlebox needs it (RFC 791, RFC 9293)."""

from __future__ import annotations

import struct

from msgspec import Struct

TCP = 6
FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
ECN = 0xC0
"""The bits ECE and CWR (RFC 3168 section 6.1)."""
OPTION_END, OPTION_NOP, OPTION_WINDOW_SCALE = 0, 1, 3  # RFC 9293 section 3.1, RFC 7323 section 2.2


class RawSegment(Struct, frozen=True):
    """The fields that matter; ``size`` is that of the data."""

    source: bytes
    target: bytes
    source_port: int
    target_port: int
    seq: int
    ack: int
    flags: int
    size: int

    @property
    def end(self) -> int:
        """The sequence number after all that this segment takes up."""
        taken = self.size + bool(self.flags & SYN) + bool(self.flags & FIN)
        return (self.seq + taken) & 0xFFFFFFFF


def read(packet: bytes) -> RawSegment | None:
    """The segment of a packet; None where there is none (IPv6 gossip of a new device, ICMP)."""
    if len(packet) < 40 or packet[0] >> 4 != 4 or packet[9] != TCP:
        return None
    start = (packet[0] & 15) * 4
    source_port, target_port, seq, ack, offset, flags = struct.unpack_from("!HHIIBB", packet, start)
    size = len(packet) - start - (offset >> 4) * 4
    return RawSegment(packet[12:16], packet[16:20], source_port, target_port, seq, ack, flags, size)


def make(
    source: tuple[bytes, int],
    target: tuple[bytes, int],
    numbers: tuple[int, int],
    flags: int,
    *,
    ttl: int,
    ip_id: int,
) -> bytes:
    """A packet without data. ``source`` and ``target``: address and port; ``numbers``: seq and ack."""
    seq, ack = numbers
    tcp = struct.pack(
        "!HHIIBBHHH", source[1], target[1], seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 5 << 4, flags, 0, 0, 0
    )
    tcp = _with_tcp_checksum(source[0], target[0], tcp)
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), ip_id, 0, ttl, TCP, 0) + source[0] + target[0]
    return header[:10] + _checksum(header) + header[12:] + tcp


def without_window_scale(packet: bytes) -> bytes:
    """The same packet with NOPs where its window scale option was."""
    start = (packet[0] & 15) * 4
    tcp = bytearray(packet[start:])
    at, end = 20, (tcp[12] >> 4) * 4
    while at < end and tcp[at] != OPTION_END:
        length = 1 if tcp[at] == OPTION_NOP else max(2, tcp[at + 1])
        if tcp[at] == OPTION_WINDOW_SCALE:
            tcp[at : at + length] = bytes([OPTION_NOP]) * length
        at += length
    tcp[16:18] = b"\0\0"
    return packet[:start] + _with_tcp_checksum(packet[12:16], packet[16:20], bytes(tcp))


def _with_tcp_checksum(source: bytes, target: bytes, tcp: bytes) -> bytes:
    pseudo = source + target + struct.pack("!BBH", 0, TCP, len(tcp))
    return tcp[:16] + _checksum(pseudo + tcp) + tcp[18:]


def _checksum(data: bytes) -> bytes:
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!H", ~total & 0xFFFF)
