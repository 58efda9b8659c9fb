"""Capture files, byte by byte: pcap (draft-ietf-opsawg-pcap) and pcapng (draft-ietf-opsawg-pcapng)."""

from __future__ import annotations

import struct

MICRO, NANO = 0xA1B2C3D4, 0xA1B23C4D
NANOSECONDS = (9, b"\x09")  # if_tsresol


def pcap(
    packets: list[bytes], link: int = 101, *, order: str = "<", magic: int = MICRO, step: int = 1000
) -> bytes:
    """A pcap file whose packets come ``step`` ticks apart, from second 1,700,000,000 on."""
    records = [
        struct.pack(order + "IIII", 1_700_000_000, number * step, len(packet), len(packet)) + packet
        for number, packet in enumerate(packets)
    ]
    return pcap_header(link, order=order, magic=magic) + b"".join(records)


def pcap_header(link: int = 101, *, order: str = "<", magic: int = MICRO) -> bytes:
    return struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262_144, link)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    """A pcapng block, padded to whole words."""
    body += bytes(-len(body) % 4)
    size = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + size + body + size


def section(order: str = "<") -> bytes:
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def interface(
    link: int = 101, *options: tuple[int, bytes], snaplen: int = 262_144, order: str = "<"
) -> bytes:
    body = struct.pack(order + "HHI", link, 0, snaplen)
    for code, value in options:
        body += struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)
    return block(1, body, order)


def enhanced(
    packet: bytes, ticks: int = 0, *, number: int = 0, length: int | None = None, order: str = "<"
) -> bytes:
    """An Enhanced Packet Block of interface ``number``."""
    wire = len(packet) if length is None else length
    head = struct.pack(order + "IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(packet), wire)
    return block(6, head + packet, order)


def simple(packet: bytes, length: int | None = None, order: str = "<") -> bytes:
    """A Simple Packet Block: no time, interface 0."""
    return block(3, struct.pack(order + "I", len(packet) if length is None else length) + packet, order)


def obsolete(packet: bytes, ticks: int = 0, *, number: int = 0, order: str = "<") -> bytes:
    """A Packet Block, the form before the Enhanced one; 99 packets were lost before it."""
    head = struct.pack(
        order + "HHIIII", number, 99, ticks >> 32, ticks & 0xFFFFFFFF, len(packet), len(packet)
    )
    return block(2, head + packet, order)


def secrets(text: bytes, order: str = "<") -> bytes:
    """A Decryption Secrets Block with a TLS key log."""
    return block(10, struct.pack(order + "II", 0x544C534B, len(text)) + text, order)


def statistics(dropped: int, order: str = "<") -> bytes:
    """An Interface Statistics Block with isb_ifdrop."""
    return block(5, struct.pack(order + "IIIHHQI", 0, 0, 0, 5, 8, dropped, 0), order)
