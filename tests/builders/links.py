"""IP packets in frames of every link type that is decoded, byte by byte from what describes them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MACS = bytes.fromhex("020000000001020000000002")
SNAP = bytes.fromhex("aaaa03000000")


def version(data: bytes) -> int:
    return data[0] >> 4


def ethertype(data: bytes) -> bytes:
    """The EtherType of an IP packet."""
    return b"\x08\x00" if version(data) == 4 else b"\x86\xdd"


def ether(kind: int, data: bytes) -> bytes:
    """An Ethernet frame of any type."""
    return MACS + struct.pack(">H", kind) + data


def ether_ip(data: bytes) -> bytes:
    return MACS + ethertype(data) + data


def snap(data: bytes) -> bytes:
    """LLC and SNAP (RFC 1042)."""
    return SNAP + ethertype(data) + data


def tagged(data: bytes, kind: int, tag: bytes) -> bytes:
    return ether(kind, tag + ethertype(data) + data)


def in_802_3(data: bytes) -> bytes:
    return ether(len(data) + 8, snap(data))


def fabric_path(data: bytes) -> bytes:
    """Cisco FabricPath: a tag before the inner frame, a check sequence behind it."""
    return ether(0x8903, b"\0\x20" + ether_ip(data) + bytes(4))


def labels(count: int) -> bytes:
    """MPLS label stack entries (RFC 3032 section 2.1), the last with the bottom bit."""
    return b"".join(struct.pack(">I", (100 + n) << 12 | (n == count - 1) << 8 | 64) for n in range(count))


def mpls(data: bytes) -> bytes:
    return ether(0x8847, labels(3) + data)


def ethernet_in_mpls(data: bytes, word: bytes = bytes(4)) -> bytes:
    """RFC 4448, with a control word or (empty) without."""
    return ether(0x8847, labels(2) + word + ether_ip(data))


def ppp_protocol(data: bytes) -> bytes:
    return b"\0\x21" if version(data) == 4 else b"\0\x57"


def ppp(data: bytes) -> bytes:
    return b"\xff\x03" + ppp_protocol(data) + data


def ppp_short(data: bytes) -> bytes:
    """Address and control left out, the protocol in one byte (RFC 1661 section 6.5)."""
    return ppp_protocol(data)[1:] + data


def pppoe_payload(data: bytes) -> bytes:
    """RFC 2516 section 4, with padding behind what its length counts."""
    return b"\x11\0\0\x2a" + struct.pack(">H", len(data) + 2) + ppp_protocol(data) + data


def pppoe(data: bytes) -> bytes:
    return ether(0x8864, pppoe_payload(data)) + bytes(6)


def cisco_hdlc(data: bytes) -> bytes:
    return b"\x0f\0" + ethertype(data) + data


def cooked(data: bytes, hardware: int = 1, protocol: bytes = b"") -> bytes:
    """Linux cooked: direction, ARPHRD_ type, address length, address, protocol."""
    return struct.pack(">HHH8s", 0, hardware, 6, bytes(8)) + (protocol or ethertype(data)) + data


def cooked2(data: bytes) -> bytes:
    """Version 2: protocol, reserved, interface, ARPHRD_ type, direction, address length, address."""
    return ethertype(data) + struct.pack(">HIHBB8s", 0, 2, 1, 0, 6, bytes(8)) + data


def family(four: str, six: str) -> Callable[[bytes], bytes]:
    return lambda data: bytes.fromhex(four if version(data) == 4 else six) + data


def raw(data: bytes) -> bytes:
    return data


def wifi(body: bytes, *, flags: int = 1, quality: bytes = b"", fill: bytes = b"", subtype: int = 0) -> bytes:
    """A data frame of IEEE 802.11 (9.2.4): flags 1 to the access point, 2 from it, 3 both."""
    control = bytes([0x08 | subtype | (0x80 if quality else 0), flags])
    fourth = bytes(6) if flags & 3 == 3 else b""
    return control + bytes(2) + MACS + MACS[:6] + b"\x10\0" + fourth + quality + fill + body


def wifi_data(data: bytes) -> bytes:
    return wifi(snap(data))


def wifi_bridged(data: bytes) -> bytes:
    return wifi(snap(data), flags=3, quality=b"\0\0")


def aggregate(*packets: bytes) -> bytes:
    """An A-MSDU (9.3.2.2): each with addresses and length, padded to whole words."""
    parts = [MACS + struct.pack(">H", len(packet) + 8) + snap(packet) for packet in packets]
    padded = b"".join(part + bytes(-len(part) % 4) for part in parts[:-1]) + parts[-1]
    return wifi(padded, quality=b"\x80\0")


def radiotap(data: bytes) -> bytes:
    """Without any fields."""
    return bytes.fromhex("0000080000000000") + wifi_data(data)


def radiotap_padded(data: bytes) -> bytes:
    """Two bitmaps, a time, and flags that tell of padding behind the header of the frame."""
    head = struct.pack("<BBHIIIQB", 0, 0, 25, 0x80000003, 0, 0, 77, 0x20)
    return head + wifi(snap(data), quality=b"\0\0", fill=b"\0\0")


def prism(data: bytes) -> bytes:
    return struct.pack("<II", 0x44, 144) + bytes(136) + wifi_data(data)


def avs(data: bytes) -> bytes:
    return struct.pack(">II", 0x80211001, 64) + bytes(56) + wifi_data(data)


def per_packet(data: bytes) -> bytes:
    return struct.pack("<BBHI", 0, 0, 8, 105) + wifi_data(data)


def token_ring(data: bytes) -> bytes:
    return b"\x10\x40" + MACS + snap(data)


def token_ring_routed(data: bytes) -> bytes:
    """The highest bit of the source says that a route follows, and its first byte how long it is."""
    return b"\x10\x40" + MACS[:6] + b"\x82" + MACS[7:] + b"\x06\x20\0\x11\0\x20" + snap(data)


def fddi(data: bytes) -> bytes:
    return b"\x50" + MACS + snap(data)


def arcnet(data: bytes) -> bytes:
    """RFC 1201: protocol, flag, sequence number."""
    return b"\x01\x02\0\0" + (b"\xd4" if version(data) == 4 else b"\xc4") + b"\0\0\x07" + data


def ip_over_infiniband(data: bytes) -> bytes:
    return bytes(40) + ethertype(data) + bytes(2) + data


def nflog(data: bytes) -> bytes:
    """Family, version, group; attributes: prefix (10), mark (8) and payload (9), in whole words."""
    prefix = struct.pack("<HH", 4 + 5, 10) + b"hello" + bytes(3)
    mark = struct.pack("<HHI", 8, 8, 0)
    kind = 2 if version(data) == 4 else 10
    return bytes([kind, 0, 0, 5]) + prefix + mark + struct.pack("<HH", 4 + len(data), 9) + data


def nflog_big(data: bytes) -> bytes:
    kind = 2 if version(data) == 4 else 10
    return bytes([kind, 0, 0, 5]) + struct.pack(">HH", 4 + len(data), 9) + data


def frame_relay(data: bytes) -> bytes:
    """RFC 2427 section 4: address, control, NLPID."""
    return b"\x18\x41\x03" + (b"\xcc" if version(data) == 4 else b"\x8e") + data


def frame_relay_snap(data: bytes) -> bytes:
    return b"\x18\x41\x03\0\x80\0\0\0" + ethertype(data) + data


def frame_relay_cisco(data: bytes) -> bytes:
    return b"\x18\x41" + ethertype(data) + data


def firewall(data: bytes) -> bytes:
    """OpenBSD's pflog: length without padding, family."""
    return bytes([61, 2 if version(data) == 4 else 24]) + bytes(62) + data


def firewire(data: bytes) -> bytes:
    return bytes(16) + ethertype(data) + data


def solaris(data: bytes) -> bytes:
    head = struct.pack(">BBHIIIII", 1, 2 if version(data) == 4 else 26, 0, len(data), 1, 0, 0, 0)
    return head + data


def encapsulated(data: bytes) -> bytes:
    """OpenBSD's enc: family, security parameter index, flags, in the host's byte order."""
    return struct.pack("<III", 2 if version(data) == 4 else 24, 0x1234, 0) + data


def endace(kind: int, data: bytes, *extensions: int) -> bytes:
    """A record of ERF: time, type, flags, length, lost, length on the wire; extension headers."""
    more = b"".join(
        bytes([type_ | (0x80 if n < len(extensions) - 1 else 0)]) + bytes(7)
        for n, type_ in enumerate(extensions)
    )
    first = kind | (0x80 if extensions else 0)
    return (
        bytes(8) + bytes([first, 4]) + struct.pack(">HHH", 16 + len(more + data), 0, len(data)) + more + data
    )


def endace_ethernet(data: bytes) -> bytes:
    return endace(2, bytes(2) + ether_ip(data))


def endace_extended(data: bytes) -> bytes:
    return endace(2, bytes(2) + ether_ip(data), 3, 4)


def endace_ip(data: bytes) -> bytes:
    return endace(22 if version(data) == 4 else 23, data)


def packet_tap(data: bytes, link: int = 1, kind: int = 1) -> bytes:
    """Apple's pktap, 108 bytes long; interface and process are left out."""
    return struct.pack("<III", 108, kind, link) + bytes(96) + (ether_ip(data) if link == 1 else data)


def packet_tap_loopback(data: bytes) -> bytes:
    return packet_tap(family("02000000", "1e000000")(data), 0)


def juniper(data: bytes) -> bytes:
    """Magic number, flags (in, extensions), and one extension: the media type is Ethernet."""
    return b"MGC\x81\0\3\3\1\1" + ether_ip(data)
