"""Frames, byte by byte from the RFCs: what the tests put into captures."""

from __future__ import annotations

import ipaddress
import struct

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
CLIENT, SERVER = ("192.0.2.7", 40000), ("203.0.113.7", 443)
CLIENT6, SERVER6 = ("2001:db8::7", 40000), ("2001:db8:1::1", 443)
NULL, ETHERNET, RAW, LOOP, SLL, SLL2 = 0, 1, 101, 108, 113, 276

Address = tuple[str, int]


def tcp(
    source: int,
    target: int,
    seq: int,
    ack: int = 0,
    flags: int = ACK,
    payload: bytes = b"",
    *,
    window: int = 500,
    options: bytes = b"",
) -> bytes:
    """A TCP segment (RFC 9293 section 3.1); ``options`` in whole words."""
    words = 5 + len(options) // 4
    head = struct.pack(">HHIIBBHHH", source, target, seq, ack, words << 4, flags, window, 0, 0)
    return head + options + payload


def ipv4(
    source: str,
    target: str,
    data: bytes,
    *,
    protocol: int = 6,
    ttl: int = 64,
    ident: int = 7,
    options: bytes = b"",
    fragment: int = 0,
    total: int | None = None,
) -> bytes:
    """An IPv4 packet (RFC 791 section 3.1); ``total`` says another length than there is."""
    size = 20 + len(options)
    head = struct.pack(
        ">BBHHHBBH",
        0x40 | size // 4,
        0,
        size + len(data) if total is None else total,
        ident,
        fragment,
        ttl,
        protocol,
        0,
    )
    addresses = ipaddress.IPv4Address(source).packed + ipaddress.IPv4Address(target).packed
    return head + addresses + options + data


def ipv6(source: str, target: str, data: bytes, *, protocol: int = 6, ttl: int = 64) -> bytes:
    """An IPv6 packet (RFC 8200 section 3); extension headers are part of ``data``."""
    head = struct.pack(">IHBB", 6 << 28, len(data), protocol, ttl)
    return head + ipaddress.IPv6Address(source).packed + ipaddress.IPv6Address(target).packed + data


def packet(
    source: Address, target: Address, seq: int, ack: int = 0, flags: int = ACK, payload: bytes = b""
) -> bytes:
    """TCP in IP, without options."""
    segment = tcp(source[1], target[1], seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, flags, payload)
    build = ipv6 if ":" in source[0] else ipv4
    return build(source[0], target[0], segment)


def ethernet(data: bytes, *tags: int) -> bytes:
    """An Ethernet frame; each of ``tags`` is the type of a VLAN tag (IEEE 802.1Q), the outermost first."""
    kind = 0x0800 if data[0] >> 4 == 4 else 0x86DD
    vlans = b"".join(struct.pack(">HH", tag, 42) for tag in tags)
    return bytes.fromhex("020000000001020000000002") + vlans + struct.pack(">H", kind) + data
