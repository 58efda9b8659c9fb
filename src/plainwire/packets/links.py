"""Link layers: where the network layer begins, by the LINKTYPE_ number of the tcpdump group's list.

``enter`` groups the packets of a batch by link type. Headers of fixed form are read right there, one function
for each link type; headers that also occur inside others have handlers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.arrays import distinct, np
from plainwire.packets import ethertypes, wifi
from plainwire.packets.layers import Found, HeaderKind, PacketLayer, Rows, name_others, split
from plainwire.packets.link_names import LINK_NAMES

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    from plainwire.model import Int64s

    Link = Callable[[Rows, PacketLayer, "Counter[str]"], Found]

_AF_INET, _AF_INET6 = 2, (10, 24, 26, 28, 30)  # Linux, BSDs, Solaris, FreeBSD, macOS
_LAST = 511
"""No link type has a higher number yet, by far."""

_FAMILIES = {_AF_INET: HeaderKind.IPV4} | dict.fromkeys(_AF_INET6, HeaderKind.IPV6)


def enter(rows: Rows, link: Int64s, passed_over: Counter[str]) -> Found:
    """The packets of a batch, grouped by their first header."""
    row, none = np.arange(len(link), dtype=np.int64), np.zeros(len(link), dtype=np.int64)
    every = PacketLayer(row, rows.start, rows.on_wire, none)
    kinds = sorted(set(link.tolist()))
    for number in kinds:
        layer = every if len(kinds) == 1 else every.only(link == number)
        if number in _STRAIGHT:
            kind, size = _STRAIGHT[number]
            yield kind, layer.skip(size)
        elif number in _LINKS:
            yield from _LINKS[number](rows, layer, passed_over)
        else:
            passed_over[_name(number)] += len(layer.row)


def _name(link: int) -> str:
    if link < 0:
        return "unknown interface"
    if link > _LAST:  # a damaged file must not fill the report with numbers
        return "unknown link type"
    name = LINK_NAMES.get(link)
    return f"link type {link} ({name}) is not supported" if name else f"link type {link} is not supported"


def _null(rows: Rows, layer: PacketLayer, _: Counter[str]) -> Found:
    """BSD loopback: the address family, in the byte order of the host that captured, or of the network.

    Some systems have an EtherType in the last two bytes, as Wireshark's reader knows.
    """
    family = np.maximum(rows.byte(layer.at), rows.byte(layer.at + 3))
    types = rows.be16(layer.at + 2)
    family = np.where(np.isin(types, (ethertypes.IPV4, ethertypes.IPV6)), types, family)
    kinds = {ethertypes.IPV4: HeaderKind.IPV4, ethertypes.IPV6: HeaderKind.IPV6} | _FAMILIES
    return split(layer.skip(4), family, kinds)


_ARPHRD_80211, _ARPHRD_PRISM, _ARPHRD_RADIOTAP, _ARPHRD_NETLINK = 801, 802, 803, 824
_ETH_P_802_2 = 4


def _cooked(rows: Rows, layer: PacketLayer, passed_over: Counter[str]) -> Found:
    """LINKTYPE_LINUX_SLL: direction, ARPHRD_ type, address length and address, protocol."""
    types = rows.be16(layer.at + 14)
    return _by_hardware(layer.skip(16), rows.be16(layer.at + 2), types, passed_over)


def _cooked2(rows: Rows, layer: PacketLayer, passed_over: Counter[str]) -> Found:
    """LINKTYPE_LINUX_SLL2: protocol, reserved, interface, ARPHRD_ type, direction, address."""
    types = rows.be16(layer.at)
    return _by_hardware(layer.skip(20), rows.be16(layer.at + 8), types, passed_over)


def _by_hardware(layer: PacketLayer, hardware: Int64s, types: Int64s, passed_over: Counter[str]) -> Found:
    """For some kinds of hardware the protocol field is none; 4 stands for LLC."""
    odd = np.isin(hardware, tuple(_HARDWARE)) | (types == _ETH_P_802_2)
    if odd.any():
        kinds = np.where(np.isin(hardware, tuple(_HARDWARE)), hardware, _ETH_P_802_2)[odd]
        yield from split(layer.only(odd), kinds, _HARDWARE | {_ETH_P_802_2: HeaderKind.LLC})
        layer, types = layer.only(~odd), types[~odd]
    yield from ethertypes.follow(layer, types, passed_over)


_HARDWARE = {
    _ARPHRD_80211: HeaderKind.WIFI,
    _ARPHRD_PRISM: HeaderKind.PRISM,
    _ARPHRD_RADIOTAP: HeaderKind.RADIOTAP,
}


def _arcnet(rows: Rows, layer: PacketLayer, passed_over: Counter[str]) -> Found:
    """LINKTYPE_ARCNET_LINUX: addresses, offset, protocol; RFC 1201 adds a flag and a sequence number."""
    protocol, flag = rows.byte(layer.at + 4), rows.byte(layer.at + 5)
    yield from split(layer.skip(5), protocol, {240: HeaderKind.IPV4})  # RFC 1051
    modern = np.isin(protocol, (196, 212))
    pieces = modern & (flag != 0)
    if pieces.any():
        passed_over["ARCnet fragments"] += int(pieces.sum())
    whole = modern & ~pieces
    yield from split(layer.only(whole).skip(8), protocol[whole], {212: HeaderKind.IPV4, 196: HeaderKind.IPV6})


_FIRST_TLV, _PAYLOAD_TLV, _MOST_TLVS = 4, 9, 64


def _nflog(rows: Rows, layer: PacketLayer, _: Counter[str]) -> Found:
    """LINKTYPE_NFLOG: family, version, group, then attributes in the byte order of the host that captured."""
    at, limit = layer.at + _FIRST_TLV, rows.end[layer.row]
    open_ = at + 4 <= limit
    found = np.zeros(len(at), dtype=np.bool_)
    for _tlv in range(_MOST_TLVS):
        little = rows.le16(at)
        swapped = (little < 4) | (at + little > limit)
        size = np.where(swapped, rows.be16(at), little)
        kind = np.where(swapped, rows.be16(at + 2), rows.le16(at + 2)) & 0x7FFF
        found |= open_ & (kind == _PAYLOAD_TLV) & (size >= 4)
        open_ &= ~found & (size >= 4) & (at + size <= limit)
        if not open_.any():
            break
        at = np.where(open_, at + (size + 3 & ~3), at)
        open_ &= at + 4 <= limit
    yield HeaderKind.IP, PacketLayer(layer.row, at + 4, layer.end, layer.head).only(found)


def _frame_relay(rows: Rows, layer: PacketLayer, passed_over: Counter[str]) -> Found:
    """RFC 2427: an address of two bytes, control and NLPID; Cisco's has an EtherType there."""
    at = layer.at + 2
    control = rows.byte(at) == 3
    padded = rows.byte(at + 1) == 0
    yield HeaderKind.NLPID, PacketLayer(layer.row, at + 1 + padded, layer.end, layer.head).only(control)
    cisco = layer.only(~control).skip(4)
    yield from ethertypes.follow(cisco, rows.be16(cisco.at - 2), passed_over)


def _firewall(rows: Rows, layer: PacketLayer, _: Counter[str]) -> Found:
    """LINKTYPE_PFLOG: a header that begins with its length (not counting padding) and the family."""
    size = rows.byte(layer.at) + 3 & ~3
    return split(layer.skip(size), rows.byte(layer.at + 1), _FAMILIES)


def _ipnet(rows: Rows, layer: PacketLayer, _: Counter[str]) -> Found:
    """LINKTYPE_IPNET of Solaris: the family in the second of 24 bytes."""
    return split(layer.skip(24), rows.byte(layer.at + 1), _FAMILIES)


def _typed(type_at: int, size: int) -> Link:
    """A header of ``size`` with an EtherType in it."""

    def link(rows: Rows, layer: PacketLayer, passed_over: Counter[str]) -> Found:
        return ethertypes.follow(layer.skip(size), rows.be16(layer.at + type_at), passed_over)

    return link


def _per_packet(rows: Rows, layer: PacketLayer, passed_over: Counter[str]) -> Found:
    """LINKTYPE_PPI: version, flags, length, and the link type of the packet behind it."""
    inner = layer.skip(rows.le16(layer.at + 2))
    return _wrapped(rows, inner, rows.le32(layer.at + 4), "PPI", passed_over)


def _packet_tap(rows: Rows, layer: PacketLayer, passed_over: Counter[str]) -> Found:
    """Apple's pktap: length, type 1 (there is a packet), and its link type."""
    size = rows.le32(layer.at)
    good = (rows.le32(layer.at + 4) == 1) & (size >= 12)
    links = np.where(good, rows.le32(layer.at + 8), _NONE)
    return _wrapped(rows, layer.skip(size), links, "pktap", passed_over)


_NONE = 0xFFFF


def _wrapped(rows: Rows, layer: PacketLayer, links: Int64s, name: str, passed_over: Counter[str]) -> Found:
    """Packets that state their own link type; a wrapper inside another is not decoded."""
    for number in distinct(links).tolist():
        part = layer.only(links == number)
        if number in _STRAIGHT:
            kind, size = _STRAIGHT[number]
            yield kind, part.skip(size)
        elif number in _PLAIN:
            yield from _PLAIN[number](rows, part, passed_over)
        else:
            passed_over[f"{name}: {_name(number)}"] += len(part.row)


_JUNIPER_MAGIC, _JUNIPER_EXTENDED, _JUNIPER_NO_LINK = 0x4D4743, 0x80, 0x02


def _juniper(rows: Rows, layer: PacketLayer, passed_over: Counter[str]) -> Found:
    """LINKTYPE_JUNIPER_ETHER: magic number, flags, and the extensions that they tell of."""
    flags = rows.byte(layer.at + 3)
    size = np.where(flags & _JUNIPER_EXTENDED != 0, 6 + rows.be16(layer.at + 4), 4)
    good = (rows.be32(layer.at) >> 8 == _JUNIPER_MAGIC) & (flags & _JUNIPER_NO_LINK == 0)
    yield HeaderKind.ETHERNET, layer.skip(size).only(good)
    other = int((~good).sum())
    if other:
        passed_over["Juniper records without Ethernet"] += other


_ERF = {1: HeaderKind.CISCO_HDLC, 22: HeaderKind.IPV4, 23: HeaderKind.IPV6}
_ERF_ETHERNET = (2, 11, 16, 20)
_ERF_RECORD = 16
_MOST_ERF_EXTENSIONS = 16


def _erf(rows: Rows, layer: PacketLayer, passed_over: Counter[str]) -> Found:
    """Endace: a record header of 16 bytes, extension headers of 8; Ethernet has two more before it."""
    kind, at = rows.byte(layer.at + 8), layer.at + _ERF_RECORD
    more = kind & 0x80 != 0
    for _ in range(_MOST_ERF_EXTENSIONS):
        if not more.any():
            break
        following = rows.byte(at) & 0x80 != 0
        at = np.where(more, at + 8, at)
        more &= following
    kind &= 0x7F
    inner = PacketLayer(layer.row, at, layer.end, layer.head)
    ethernet = np.isin(kind, _ERF_ETHERNET)
    yield HeaderKind.ETHERNET, inner.only(ethernet).skip(2)
    yield from split(inner.only(~ethernet), kind[~ethernet], _ERF)
    other = int((~ethernet & ~np.isin(kind, tuple(_ERF))).sum())
    if other:
        passed_over["ERF records of other kinds"] += other


_STRAIGHT: dict[int, tuple[HeaderKind, int]] = {
    1: (HeaderKind.ETHERNET, 0),
    6: (HeaderKind.TOKEN_RING, 0),
    9: (HeaderKind.PPP, 0),
    10: (HeaderKind.FDDI, 0),
    12: (HeaderKind.IP, 0),
    14: (HeaderKind.IP, 0),
    50: (HeaderKind.PPP, 0),
    51: (HeaderKind.PPPOE, 0),
    100: (HeaderKind.LLC, 0),  # RFC 2684
    101: (HeaderKind.IP, 0),
    104: (HeaderKind.CISCO_HDLC, 0),
    105: (HeaderKind.WIFI, 0),
    106: (HeaderKind.LLC, 0),
    109: (HeaderKind.IP, 12),  # OpenBSD's enc(4)
    119: (HeaderKind.PRISM, 0),
    122: (HeaderKind.LLC, 16),  # RFC 2625
    123: (HeaderKind.LLC, 4),
    127: (HeaderKind.RADIOTAP, 0),
    163: (HeaderKind.PRISM, 0),
    166: (HeaderKind.PPP, 2),  # pppd: direction in the place of the address
    204: (HeaderKind.PPP, 1),
    228: (HeaderKind.IPV4, 0),
    229: (HeaderKind.IPV6, 0),
}

_PLAIN: dict[int, Link] = {
    0: _null,
    107: _frame_relay,
    108: _null,
    113: _cooked,
    117: _firewall,
    129: _arcnet,
    138: _typed(16, 18),  # RFC 2734, Apple
    178: _juniper,
    197: _erf,
    226: _ipnet,
    239: _nflog,
    242: _typed(40, 44),  # RFC 4391 section 6, behind a global route header
    276: _cooked2,
}

_LINKS = _PLAIN | {149: _packet_tap, 192: _per_packet, 258: _packet_tap}
"""149: what pktap was before it had a number."""


# --- headers that also occur inside others ------------------------------------------------------------


def ethernet(rows: Rows, layer: PacketLayer, passed_over: Counter[str]) -> Found:
    """IEEE 802.3: two addresses, then length or type."""
    types = rows.be16(layer.at + 12)
    return ethertypes.length_or_type(layer.skip(14), types, passed_over)


_SNAP, _SAP_IP, _SAP_ISO = 0xAA, 0x06, 0xFE


def llc(rows: Rows, layer: PacketLayer, _: Counter[str]) -> Found:
    """IEEE 802.2: two service access points, and a control field that must be that of plain frames."""
    sap = np.where(rows.byte(layer.at + 2) == 3, rows.byte(layer.at), 0)
    kinds = {_SNAP: HeaderKind.SNAP, _SAP_IP: HeaderKind.IPV4, _SAP_ISO: HeaderKind.NLPID}
    return split(layer.skip(3), sap, kinds)


_OUI_BRIDGED = 0x0080C2


def snap(rows: Rows, layer: PacketLayer, passed_over: Counter[str]) -> Found:
    """RFC 1042: an organization, and its own number for what follows; 0 are EtherTypes."""
    oui = rows.be32(layer.at - 1) & 0xFFFFFF
    types = rows.be16(layer.at + 3)
    known = (oui == 0) | (oui == 0x0000F8)
    bridged = (oui == _OUI_BRIDGED) & np.isin(types, (1, 7))  # RFC 2684 section 5.2, with FCS and without
    yield HeaderKind.ETHERNET, layer.only(bridged).skip(5)
    yield from ethertypes.follow(layer.only(known).skip(5), types[known], passed_over)


def nlpid(rows: Rows, layer: PacketLayer, _: Counter[str]) -> Found:
    """ISO/IEC TR 9577, as in RFC 2427."""
    kinds = {0xCC: HeaderKind.IPV4, 0x8E: HeaderKind.IPV6, 0x80: HeaderKind.SNAP}
    return split(layer.skip(1), rows.byte(layer.at), kinds)


_PPP_NOT_DECODED = {
    0x002D: "compressed TCP/IP (Van Jacobson)",
    0x002F: "compressed TCP/IP (Van Jacobson)",
    0x003D: "PPP multilink",
    0x00FB: "compressed PPP",
    0x00FD: "compressed PPP",
    0x0053: "encrypted PPP",
}


def ppp(rows: Rows, layer: PacketLayer, passed_over: Counter[str]) -> Found:
    """RFC 1661 section 2, RFC 1662 section 3.1: address and control, and one byte of two, may be left out."""
    at = layer.at
    framed = (rows.byte(at) == 0xFF) & (rows.byte(at + 1) == 3)
    cisco = np.isin(rows.byte(at), (0x0F, 0x8F)) & (rows.byte(at + 1) == 0)
    if cisco.any():
        yield HeaderKind.CISCO_HDLC, layer.only(cisco)
        layer, at, framed = layer.only(~cisco), at[~cisco], framed[~cisco]
    at = np.where(framed, at + 2, at)
    short = rows.byte(at) & 1 != 0
    protocol = np.where(short, rows.byte(at), rows.be16(at))
    name_others(protocol, _PPP_NOT_DECODED, passed_over)
    inner = layer.skip(np.where(short, at + 1, at + 2) - layer.at)
    yield from split(inner, protocol, {0x21: HeaderKind.IPV4, 0x57: HeaderKind.IPV6, 0x281: HeaderKind.MPLS})


def pppoe(rows: Rows, layer: PacketLayer, passed_over: Counter[str]) -> Found:
    """RFC 2516 section 4: a session's frames have code 0; version and type are 1.

    Bridges have been seen to count the padding of Ethernet into the length of IP: the length here is
    the sender's, and holds.
    """
    layer = layer.only(rows.be16(layer.at) == 0x1100)
    end = np.minimum(layer.at + 6 + rows.be16(layer.at + 4), layer.end)
    inner = PacketLayer(layer.row, layer.at + 6, end, layer.head, layer.version, limited=True)
    return ppp(rows, inner, passed_over)


def cisco_hdlc(rows: Rows, layer: PacketLayer, passed_over: Counter[str]) -> Found:
    """Address, control, EtherType."""
    return ethertypes.follow(layer.skip(4), rows.be16(layer.at + 2), passed_over)


def token_ring(rows: Rows, layer: PacketLayer, _: Counter[str]) -> Found:
    """IEEE 802.5: access and frame control, two addresses; a bit of the source says that a route follows."""
    frames = rows.byte(layer.at + 1) & 0xC0 == 0x40  # LLC
    routed = rows.byte(layer.at + 8) & 0x80 != 0
    size = np.where(routed, 14 + (rows.byte(layer.at + 14) & 31), 14)
    yield HeaderKind.LLC, layer.skip(size).only(frames)


def fddi(rows: Rows, layer: PacketLayer, _: Counter[str]) -> Found:
    """ANSI X3T9.5: frame control and two addresses; LLC frames are 0x50 to 0x5f."""
    frames = rows.byte(layer.at) & 0xF0 == 0x50
    yield HeaderKind.LLC, layer.skip(13).only(frames)


HANDLERS = {
    HeaderKind.ETHERNET: ethernet,
    HeaderKind.VLAN: ethertypes.vlan,
    HeaderKind.LLC: llc,
    HeaderKind.SNAP: snap,
    HeaderKind.NLPID: nlpid,
    HeaderKind.PPP: ppp,
    HeaderKind.PPPOE: pppoe,
    HeaderKind.CISCO_HDLC: cisco_hdlc,
    HeaderKind.TOKEN_RING: token_ring,
    HeaderKind.FDDI: fddi,
    HeaderKind.WIFI: wifi.frame,
    HeaderKind.RADIOTAP: wifi.radiotap,
    HeaderKind.PRISM: wifi.prism,
    HeaderKind.BACKBONE: ethertypes.backbone,
    HeaderKind.FABRIC_PATH: ethertypes.fabric_path,
    HeaderKind.TAG4: ethertypes.tag4,
    HeaderKind.TAG6: ethertypes.tag6,
    HeaderKind.MPLS: ethertypes.mpls,
    HeaderKind.IP: ethertypes.ip_by_version,
}
