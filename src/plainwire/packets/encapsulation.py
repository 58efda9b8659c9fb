"""Packets inside packets: GRE and similar protocols above IP, and tunnels that UDP ports stand for.

A port alone proves nothing: the payload must have the form of the tunnel's header, else it is an ordinary
datagram. QUIC's fixed bit (RFC 9000 section 17) tells it from VXLAN, Geneve and GTP-U.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.arrays import distinct, np
from plainwire.packets import ethertypes
from plainwire.packets.layers import Found, HeaderKind, PacketLayer, Rows, name_others

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterator

    from plainwire.model import Int64s
    from plainwire.packets.layers import Bools

    Inner = Iterator[tuple[Bools, HeaderKind, Int64s | int]]
    """Which packets, before what, how far on."""


def udp(rows: Rows, layer: PacketLayer, passed_over: Counter[str]) -> Found:
    """RFC 768; a length of 0 is a jumbogram's (RFC 2675 section 4), or offload's."""
    length = rows.be16(layer.at + 4)
    good = (layer.at + 8 <= rows.end[layer.row]) & ((length >= 8) | (length == 0))
    good &= layer.at + 8 <= layer.end
    if not good.all():
        passed_over["damaged UDP headers"] += int((~good).sum())
        layer, length = layer.only(good), length[good]
    end = np.where(length > 0, np.minimum(layer.at + length, layer.end), layer.end)
    source, target = rows.be16(layer.at), rows.be16(layer.at + 2)
    port = np.where(_IS_TUNNEL[target], target, np.where(_IS_TUNNEL[source], source, 0))
    inside = PacketLayer(layer.row, layer.at + 8, end, layer.head, layer.version)
    if port.any():
        yield from _carried(rows, inside, port)
    else:
        yield HeaderKind.DATAGRAM, inside


def _carried(rows: Rows, layer: PacketLayer, port: Int64s) -> Found:
    for number in distinct(port).tolist():
        part = layer.only(port == number)
        rest = np.ones(len(part.row), dtype=np.bool_)
        for chosen, kind, size in _TUNNELS[number](rows, part) if number else ():
            yield kind, part.skip(size).only(chosen & rest)
            rest &= ~chosen
        yield HeaderKind.DATAGRAM, part.only(rest)


def _vxlan(rows: Rows, layer: PacketLayer) -> Inner:
    """RFC 7348 section 5: the I bit, a network identifier; not all set that bit, so that a frame will do."""
    good = (rows.byte(layer.at) & 0x48 == 0x08) | ethertypes.looks_like_ethernet(rows, layer.at + 8)
    yield good & _room(layer, 22), HeaderKind.ETHERNET, 8


def _vxlan_gpe(rows: Rows, layer: PacketLayer) -> Inner:
    """draft-ietf-nvo3-vxlan-gpe: a number says what follows (where there is none: Ethernet, as in VXLAN)."""
    good = (rows.byte(layer.at) & 0x48 == 0x08) & _room(layer, 16)
    following = rows.byte(layer.at + 3)
    following = np.where(following == 0, 3, following)
    for number, kind in _NEXT.items():
        yield good & (following == number), kind, 8


def _geneve(rows: Rows, layer: PacketLayer) -> Inner:
    """RFC 8926 section 3.4: version 0, length of the options, EtherType."""
    first = rows.byte(layer.at)
    size = 8 + (first & 63) * 4
    types = rows.be16(layer.at + 2)
    for number in (0x6558, ethertypes.IPV4, ethertypes.IPV6):
        chosen = (first >> 6 == 0) & (types == number) & (layer.at + size < layer.end)
        yield chosen, ethertypes.KINDS[number], size


_MOST_EXTENSIONS = 8


def _gtp(rows: Rows, layer: PacketLayer) -> Inner:
    """3GPP TS 29.281 section 5: version 1, message G-PDU; flags say whether more fields are there."""
    flags = rows.byte(layer.at)
    good = (flags & 0xF0 == 0x30) & (rows.byte(layer.at + 1) == 255) & _room(layer, 28)
    optional = flags & 7 != 0
    at = layer.at + np.where(optional, 12, 8)
    following = np.where(optional & (flags & 4 != 0), rows.byte(layer.at + 11), 0)
    for _ in range(_MOST_EXTENSIONS):
        more = good & (following != 0) & (at < layer.end)
        if not more.any():
            break
        size = rows.byte(at) * 4
        good &= ~more | (size > 0)
        at = np.where(more, at + size, at)
        following = np.where(more, rows.byte(at - 1), following)
    version = rows.byte(at) >> 4
    good &= (following == 0) & ((version == 4) | (version == 6))
    yield good, HeaderKind.IP, at - layer.at


def _teredo(rows: Rows, layer: PacketLayer) -> Inner:
    """RFC 4380 section 5.1.1: authentication and origin may stand before the IPv6 packet."""
    at = layer.at
    authentication = rows.be16(at) == 1
    at = np.where(authentication, at + 13 + rows.byte(at + 2) + rows.byte(at + 3), at)
    at = np.where(rows.be16(at) == 0, at + 8, at)
    yield _ip_fits(rows, layer, at, 6), HeaderKind.IPV6, at - layer.at


def _lisp(rows: Rows, layer: PacketLayer) -> Inner:
    """RFC 9300 section 5: eight bytes, then IP."""
    at = layer.at + 8
    yield _ip_fits(rows, layer, at, 4) | _ip_fits(rows, layer, at, 6), HeaderKind.IP, 8


def _gre_in_udp(rows: Rows, layer: PacketLayer) -> Inner:
    """RFC 8086: version 0 without routing; the reserved bits are 0, and the type is one that is known."""
    known = np.isin(rows.be16(layer.at + 2), tuple(ethertypes.KINDS))
    yield known & (rows.be16(layer.at) & 0x4FFF == 0) & _room(layer, 24), HeaderKind.GRE, 0


def _ayiya(rows: Rows, layer: PacketLayer) -> Inner:
    """draft-massar-v6ops-ayiya section 3: sizes of identity and signature, opcode forward, then IPv6."""
    identity = 1 << (rows.byte(layer.at) >> 4)
    at = layer.at + 8 + identity + (rows.byte(layer.at + 1) >> 4) * 4
    forward = (rows.byte(layer.at + 2) & 15 == 1) & (rows.byte(layer.at + 3) == 41)
    yield forward & _ip_fits(rows, layer, at, 6), HeaderKind.IPV6, at - layer.at


def _l2tp(rows: Rows, layer: PacketLayer) -> Inner:
    """RFC 2661 section 3.1, data messages: flags say which fields are there; PPP follows."""
    flags = rows.be16(layer.at)
    has_length, has_sequence, has_offset = (flags & bit != 0 for bit in (0x4000, 0x0800, 0x0200))
    good = (flags & 0xB4FF == 0x0002) & _room(layer, 8)
    good &= ~has_length | (rows.be16(layer.at + 2) == layer.end - layer.at)
    size = 6 + 2 * has_length + 4 * has_sequence
    size = np.where(has_offset, size + 2 + rows.be16(layer.at + size), size)
    yield good & (layer.at + size < layer.end), HeaderKind.PPP, size


def _room(layer: PacketLayer, size: int) -> Bools:
    fits: Bools = layer.at + size <= layer.end
    return fits


def _ip_fits(rows: Rows, layer: PacketLayer, at: Int64s, version: int) -> Bools:
    """Whether an IP packet begins there that ends where the datagram does."""
    size = rows.be16(at + 2) if version == 4 else rows.be16(at + 4) + 40
    fits: Bools = (rows.byte(at) >> 4 == version) & (at + size == layer.end)
    return fits


_NEXT = {
    1: HeaderKind.IPV4,
    2: HeaderKind.IPV6,
    3: HeaderKind.ETHERNET,
    4: HeaderKind.NSH,
    5: HeaderKind.MPLS,
}

_TUNNELS: dict[int, Callable[[Rows, PacketLayer], Inner]] = {
    1701: _l2tp,
    2152: _gtp,
    3544: _teredo,
    4341: _lisp,
    4754: _gre_in_udp,
    4789: _vxlan,
    4790: _vxlan_gpe,
    5072: _ayiya,
    6081: _geneve,
    8472: _vxlan,
}
_IS_TUNNEL = np.zeros(1 << 16, dtype=np.bool_)
_IS_TUNNEL[list(_TUNNELS)] = True


_CHECKSUM, _ROUTING, _KEY, _SEQUENCE, _ACKNOWLEDGMENT = 0x8000, 0x4000, 0x2000, 0x1000, 0x0080


def gre(rows: Rows, layer: PacketLayer, passed_over: Counter[str]) -> Found:
    """RFC 2784, RFC 2890; version 1 is PPTP's (RFC 2637 section 4.1)."""
    flags, types = rows.be16(layer.at), rows.be16(layer.at + 2)
    size = 4 + 4 * (flags & (_CHECKSUM | _ROUTING) != 0) + 4 * (flags & _KEY != 0)
    size += 4 * (flags & _SEQUENCE != 0)
    size += 4 * ((flags & _ACKNOWLEDGMENT != 0) & (flags & 7 == 1))
    routed = (flags & _ROUTING != 0) & (flags & 7 == 0)
    name_others(routed.astype(np.int64), {1: "GRE with source routes"}, passed_over)
    inner = PacketLayer(layer.row, layer.at + size, layer.end, layer.head, layer.version)
    first = (types == 0x88BE) & (flags & _SEQUENCE == 0)  # ERSPAN type I has no header of its own
    yield HeaderKind.ETHERNET, inner.only(first & ~routed)
    aruba = (types & 0xFE00 == 0x8200) & ~routed
    yield HeaderKind.WIFI, inner.only(aruba)
    rest = ~first & ~routed & ~aruba
    yield from ethertypes.follow(inner.only(rest), types[rest], passed_over)


def erspan2(rows: Rows, layer: PacketLayer, _: Counter[str]) -> Found:
    """draft-foschiano-erspan section 4.2: eight bytes; version 1."""
    yield HeaderKind.ETHERNET, layer.skip(8).only(rows.byte(layer.at) >> 4 == 1)


def erspan3(rows: Rows, layer: PacketLayer, _: Counter[str]) -> Found:
    """draft-foschiano-erspan section 4.3: twelve bytes, and eight more where the O bit is set."""
    size = 12 + 8 * (rows.byte(layer.at + 11) & 1)
    yield HeaderKind.ETHERNET, layer.skip(size).only(rows.byte(layer.at) >> 4 == 2)


def wccp(rows: Rows, layer: PacketLayer, _: Counter[str]) -> Found:
    """draft-mclaggan-wccp: version 2 has a redirect header of four bytes before IPv4."""
    yield HeaderKind.IPV4, layer.skip(np.where(rows.byte(layer.at) >> 4 == 4, 0, 4))


def nsh(rows: Rows, layer: PacketLayer, _: Counter[str]) -> Found:
    """RFC 8300 section 2.2: length in words of four bytes, and a number of what follows."""
    size, following = (rows.byte(layer.at + 1) & 63) * 4, rows.byte(layer.at + 3)
    for number, kind in _NEXT.items():
        if kind is not HeaderKind.NSH:
            yield kind, layer.skip(size).only((following == number) & (size >= 8))


def ether_ip(rows: Rows, layer: PacketLayer, _: Counter[str]) -> Found:
    """RFC 3378: two bytes, version 3."""
    yield HeaderKind.ETHERNET, layer.skip(2).only(rows.byte(layer.at) >> 4 == 3)


HANDLERS = {
    HeaderKind.UDP: udp,
    HeaderKind.GRE: gre,
    HeaderKind.ERSPAN2: erspan2,
    HeaderKind.ERSPAN3: erspan3,
    HeaderKind.WCCP: wccp,
    HeaderKind.NSH: nsh,
    HeaderKind.ETHER_IP: ether_ip,
}
