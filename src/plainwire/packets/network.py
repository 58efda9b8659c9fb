"""IPv4 (RFC 791) and IPv6 (RFC 8200), and what follows by protocol number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.arrays import np
from plainwire.packets.layers import Found, HeaderKind, PacketLayer, Rows, name_others, split

if TYPE_CHECKING:
    from collections import Counter

    from plainwire.model import Int64s

_FRAGMENT, _AUTHENTICATION = 44, 51
_OPTIONS = (0, 43, 60, 135, 139, 140)
"""Hop-by-hop, routing, destination, mobility, HIP, shim6: next header, length in 8 bytes less 1."""
_MOST_EXTENSIONS = 8

PROTOCOLS = {
    1: HeaderKind.ICMP,
    4: HeaderKind.IPV4,
    6: HeaderKind.TCP,
    17: HeaderKind.UDP,
    41: HeaderKind.IPV6,
    47: HeaderKind.GRE,
    51: HeaderKind.AUTHENTICATION,
    58: HeaderKind.ICMP,
    94: HeaderKind.IPV4,
    97: HeaderKind.ETHER_IP,
    137: HeaderKind.MPLS,
}

_NOT_DECODED = {
    33: "DCCP",
    50: "IPsec ESP",
    55: "minimal encapsulation (RFC 2004)",
    98: "encapsulation header (RFC 1241)",
    108: "IPComp",
    115: "L2TP version 3",
    132: "SCTP",
    136: "UDP-Lite",
}


def follow(layer: PacketLayer, protocols: Int64s, passed_over: Counter[str]) -> Found:
    """Groups by protocol number; ``layer`` is past the IP header."""
    found = list(split(layer, protocols, PROTOCOLS))
    if sum(len(part.row) for _, part in found) < len(layer.row):
        name_others(protocols, _NOT_DECODED, passed_over)
    return iter(found)


def ipv4(rows: Rows, layer: PacketLayer, passed_over: Counter[str]) -> Found:
    """RFC 791 section 3.1. Segmentation offload hands packets over 64 KiB on with a length of 0."""
    head = layer.at
    first = rows.byte(head)
    header = (first & 15) * 4
    total = rows.be16(head + 2)
    fragment = rows.be16(head + 6) & 0x3FFF  # more fragments, or an offset
    good = (first >> 4 == 4) & (header >= 20) & (head + header <= rows.end[layer.row])
    good &= (total >= header) | (total == 0)
    end = _end(layer, total, head + total)
    pieces = good & (fragment != 0)
    if pieces.any():
        yield HeaderKind.FRAGMENT4, PacketLayer(layer.row, head, end, head, 4).only(pieces)
        good &= ~pieces
    inner, protocols = PacketLayer(layer.row, head + header, end, head, 4), rows.byte(head + 9)
    if not good.all():
        inner, protocols = inner.only(good), protocols[good]
    yield from follow(inner, protocols, passed_over)


def ipv6(rows: Rows, layer: PacketLayer, passed_over: Counter[str]) -> Found:
    """RFC 8200 section 3, and the extension headers. A jumbogram (RFC 2675) has a length of 0."""
    head, limit = layer.at, rows.end[layer.row]
    length = rows.be16(head + 4)
    good = (rows.byte(head) >> 4 == 6) & (head + 40 <= limit)
    protocol, payload = rows.byte(head + 6), head + 40
    for _ in range(_MOST_EXTENSIONS):
        more = np.isin(protocol, _OPTIONS) & (payload + 8 <= limit)
        if not more.any():
            break
        following, size = rows.byte(payload), 8 + 8 * rows.byte(payload + 1)
        payload, protocol = np.where(more, payload + size, payload), np.where(more, following, protocol)
    end = _end(layer, length, head + 40 + length)
    inner = PacketLayer(layer.row, payload, end, head, 6)
    pieces = good & (protocol == _FRAGMENT) & (payload + 8 <= limit)
    if pieces.any():
        yield HeaderKind.FRAGMENT6, inner.only(pieces)
        good &= ~pieces
    if not good.all():
        inner, protocol = inner.only(good), protocol[good]
    yield from follow(inner, protocol, passed_over)


def _end(layer: PacketLayer, length: Int64s, end: Int64s) -> Int64s:
    """Where the packet ends on the wire; a length of 0 is no information."""
    end = np.where(length > 0, end, layer.end)
    return np.minimum(end, layer.end) if layer.limited else end


def authentication(rows: Rows, layer: PacketLayer, passed_over: Counter[str]) -> Found:
    """RFC 4302 section 2.2: the length counts words of four bytes, less 2; what follows is not encrypted."""
    size = (rows.byte(layer.at + 1) + 2) * 4
    return follow(layer.skip(size), rows.byte(layer.at), passed_over)
