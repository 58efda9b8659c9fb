"""Packets inside packets: what stands between the outer IP header and the inner packet."""

from __future__ import annotations

import struct

from tests.builders.links import ether_ip, ethertype, version
from tests.builders.packets import ipv4, ipv6

A, B = "198.51.100.1", "198.51.100.2"
A6, B6 = "2001:db8:ffff::1", "2001:db8:ffff::2"


def outer(protocol: int, data: bytes) -> bytes:
    return ipv4(A, B, data, protocol=protocol)


def outer6(protocol: int, data: bytes) -> bytes:
    return ipv6(A6, B6, data, protocol=protocol)


def udp(source: int, target: int, data: bytes, length: int | None = None) -> bytes:
    """RFC 768."""
    return struct.pack(">HHHH", source, target, len(data) + 8 if length is None else length, 0) + data


def in_udp(port: int, data: bytes) -> bytes:
    return outer(17, udp(50000, port, data))


def in_ip(data: bytes) -> bytes:
    return outer(4 if version(data) == 4 else 41, data)


def in_ip6(data: bytes) -> bytes:
    return outer6(4 if version(data) == 4 else 41, data)


def gre(data: bytes, kind: bytes = b"", flags: int = 0) -> bytes:
    """RFC 2784 and 2890: flags 0x8000 checksum, 0x2000 key, 0x1000 sequence number."""
    words = sum(bool(flags & bit) for bit in (0x8000, 0x2000, 0x1000, 0x0080))
    return outer(47, struct.pack(">H", flags) + (kind or ethertype(data)) + bytes(4 * words) + data)


def gre_all(data: bytes) -> bytes:
    return gre(data, flags=0xB000)


def gre_ethernet(data: bytes) -> bytes:
    return gre(ether_ip(data), b"\x65\x58", 0x2000)


def gre_mpls(data: bytes) -> bytes:
    return gre(struct.pack(">I", 100 << 12 | 1 << 8 | 64) + data, b"\x88\x47")


def pptp(data: bytes) -> bytes:
    """RFC 2637 section 4.1: version 1 with key (length, call), sequence and acknowledgment."""
    protocol = b"\0\x21" if version(data) == 4 else b"\0\x57"
    inner = b"\xff\x03" + protocol + data
    key = struct.pack(">HH", len(inner), 7)
    return outer(47, b"\x30\x81\x88\x0b" + key + bytes(8) + inner)


def erspan1(data: bytes) -> bytes:
    return gre(ether_ip(data), b"\x88\xbe")


def erspan2(data: bytes) -> bytes:
    return gre(b"\x10\x01" + bytes(6) + ether_ip(data), b"\x88\xbe", 0x1000)


def erspan3(data: bytes) -> bytes:
    return gre(b"\x20\x01" + bytes(10) + ether_ip(data), b"\x22\xeb", 0x1000)


def wccp(data: bytes) -> bytes:
    return gre(b"\x01\0\0\0" + data, b"\x88\x3e")


def vxlan(data: bytes) -> bytes:
    return in_udp(4789, b"\x08\0\0\0\0\0\x2a\0" + ether_ip(data))


def vxlan_linux(data: bytes) -> bytes:
    return in_udp(8472, b"\x08\0\0\0\0\0\x2a\0" + ether_ip(data))


def vxlan_gpe(data: bytes) -> bytes:
    return in_udp(4790, bytes([0x0C, 0, 0, 1 if version(data) == 4 else 2, 0, 0, 0x2A, 0]) + data)


def vxlan_gpe_nsh(data: bytes) -> bytes:
    """RFC 8300: metadata of type 1."""
    nsh = bytes([0x0F, 0xC6, 1, 1 if version(data) == 4 else 2]) + bytes(20)
    return in_udp(4790, b"\x0c\0\0\4\0\0\x2a\0" + nsh + data)


def geneve(data: bytes) -> bytes:
    """RFC 8926 section 3.4, with an option of eight bytes."""
    return in_udp(6081, b"\x02\0\x65\x58\0\0\x2a\0" + b"\1\2\3\1\0\0\0\0" + ether_ip(data))


def geneve_ip(data: bytes) -> bytes:
    return in_udp(6081, b"\0\0" + ethertype(data) + b"\0\0\x2a\0" + data)


def gtp(data: bytes) -> bytes:
    return in_udp(2152, b"\x30\xff" + struct.pack(">HI", len(data), 7) + data)


def gtp_extended(data: bytes) -> bytes:
    """3GPP TS 29.281 section 5.2: sequence number, PDU session container, and another of two words."""
    extensions = b"\1\x10\2\x40" + b"\2\0\0\0\0\0\0\0"
    size = len(extensions) + 4 + len(data)
    return in_udp(2152, b"\x36\xff" + struct.pack(">HI", size, 7) + b"\0\1\0\x85" + extensions + data)


def teredo(data: bytes) -> bytes:
    """RFC 4380 section 5.1.1: authentication and origin before IPv6."""
    return in_udp(3544, b"\0\1\0\0" + bytes(9) + bytes(8) + data)


def ayiya(data: bytes) -> bytes:
    """draft-massar-v6ops-ayiya section 3: identity of 16 bytes, SHA-1 signature, forward, IPv6."""
    return outer(17, udp(50001, 5072, b"\x44\x52\x11\x29" + bytes(4) + bytes(16) + bytes(20) + data))


def l2tp(data: bytes) -> bytes:
    """RFC 2661 section 3.1, with length and sequence numbers."""
    protocol = b"\0\x21" if version(data) == 4 else b"\0\x57"
    inner = b"\xff\x03" + protocol + data
    return in_udp(1701, struct.pack(">HHHHHH", 0x4802, 12 + len(inner), 1, 2, 3, 4) + inner)


def gre_in_udp(data: bytes) -> bytes:
    return in_udp(4754, b"\0\0" + ethertype(data) + data)


def ether_in_ip(data: bytes) -> bytes:
    """RFC 3378."""
    return outer(97, b"\x30\0" + ether_ip(data))


def mpls_in_ip(data: bytes) -> bytes:
    return outer(137, struct.pack(">I", 100 << 12 | 1 << 8 | 64) + data)


def authenticated(data: bytes) -> bytes:
    """RFC 4302: tunnel mode, with an integrity check of twelve bytes."""
    following = 4 if version(data) == 4 else 41
    return outer(51, bytes([following, 4, 0, 0]) + bytes(8) + bytes(12) + data)


def lisp(data: bytes) -> bytes:
    return in_udp(4341, bytes(8) + data)
