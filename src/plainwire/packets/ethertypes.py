"""What follows an EtherType (IANA's IEEE 802 numbers), wherever there is one: in Ethernet, SLL, GRE, SNAP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.arrays import np
from plainwire.packets.layers import Found, HeaderKind, PacketLayer, Rows, name_others, split

if TYPE_CHECKING:
    from collections import Counter

    from plainwire.model import Int64s
    from plainwire.packets.layers import Bools

IPV4, IPV6 = 0x0800, 0x86DD

KINDS = {
    IPV4: HeaderKind.IPV4,
    IPV6: HeaderKind.IPV6,
    0x8100: HeaderKind.VLAN,
    0x88A8: HeaderKind.VLAN,
    0x9100: HeaderKind.VLAN,
    0x9200: HeaderKind.VLAN,
    0x9300: HeaderKind.VLAN,
    0x8847: HeaderKind.MPLS,
    0x8848: HeaderKind.MPLS,
    0x8864: HeaderKind.PPPOE,
    0x880B: HeaderKind.PPP,
    0x6558: HeaderKind.ETHERNET,  # transparent Ethernet bridging
    0x88E7: HeaderKind.BACKBONE,
    0x8903: HeaderKind.FABRIC_PATH,
    0x892F: HeaderKind.TAG4,
    0x8926: HeaderKind.TAG4,
    0x893F: HeaderKind.TAG6,
    0x8909: HeaderKind.TAG6,
    0x894F: HeaderKind.NSH,
    0x88BE: HeaderKind.ERSPAN2,
    0x22EB: HeaderKind.ERSPAN3,
    0x883E: HeaderKind.WCCP,
}

_NOT_DECODED = {
    0x88E5: "MACsec",
    0x22F3: "TRILL",
    0x4305: "B.A.T.M.A.N.",
    0x876B: "compressed TCP/IP (Van Jacobson)",
}

_WITHOUT_IP = (
    0x0806,  # ARP
    0x0842,  # Wake-on-LAN
    0x8035,  # RARP
    0x8808,  # flow control
    0x8809,  # slow protocols: LACP, OAM
    0x8863,  # PPPoE discovery
    0x888E,  # EAP over LAN
    0x88A2,  # ATA over Ethernet
    0x88CC,  # LLDP
    0x88F7,  # precision time
    0x8902,  # connectivity faults
    0x9000,  # loopback
)
"""What is of no connection's concern, and common."""
_LOWEST = 0x0600  # below it the field is a length, or a number of another list


def follow(layer: PacketLayer, types: Int64s, passed_over: Counter[str]) -> Found:
    """Groups by EtherType; ``layer`` is past the type."""
    found = list(split(layer, types, KINDS))
    if sum(len(part.row) for _, part in found) < len(layer.row):
        name_others(types, _NOT_DECODED, passed_over)
        known = np.isin(types, (*KINDS, *_NOT_DECODED, *_WITHOUT_IP)) | (types < _LOWEST)
        if not known.all():
            passed_over["an EtherType that is not known"] += int((~known).sum())
    yield from found


def vlan(rows: Rows, layer: PacketLayer, passed_over: Counter[str]) -> Found:
    """IEEE 802.1Q: two bytes of tag, then the next type, or a length and LLC."""
    types = rows.be16(layer.at + 2)
    return length_or_type(layer.skip(4), types, passed_over)


def length_or_type(layer: PacketLayer, types: Int64s, passed_over: Counter[str]) -> Found:
    """IEEE 802.3: up to 1,500 the field is a length, and LLC follows."""
    lengths = types <= 1500
    if lengths.any():
        yield HeaderKind.LLC, layer.only(lengths)
        layer, types = layer.only(~lengths), types[~lengths]
    yield from follow(layer, types, passed_over)


def backbone(rows: Rows, layer: PacketLayer, _: Counter[str]) -> Found:
    """IEEE 802.1ah: an instance tag of four bytes, then the customer's frame with its addresses."""
    del rows
    yield HeaderKind.ETHERNET, layer.skip(4)


def fabric_path(rows: Rows, layer: PacketLayer, _: Counter[str]) -> Found:
    """Cisco FabricPath: a tag of two bytes behind the type, then the frame with its own addresses."""
    del rows
    yield HeaderKind.ETHERNET, layer.skip(2)


def tag4(rows: Rows, layer: PacketLayer, passed_over: Counter[str]) -> Found:
    """Tags with four bytes before the next type: IEC 62439-3 (HSR), and Cisco's VN-Tag."""
    return follow(layer.skip(6), rows.be16(layer.at + 4), passed_over)


def tag6(rows: Rows, layer: PacketLayer, passed_over: Counter[str]) -> Found:
    """Tags with six: IEEE 802.1BR, Cisco's metadata."""
    return follow(layer.skip(8), rows.be16(layer.at + 6), passed_over)


def ip_by_version(rows: Rows, layer: PacketLayer, _: Counter[str]) -> Found:
    """IP whose version only its first four bits tell."""
    return split(layer, rows.byte(layer.at) >> 4, {4: HeaderKind.IPV4, 6: HeaderKind.IPV6})


def mpls(rows: Rows, layer: PacketLayer, passed_over: Counter[str]) -> Found:
    """RFC 3032: labels until the bottom of the stack; nothing says what follows (RFC 4928 section 3).

    The first four bits of IP are its version. Ethernet (RFC 4448) may come with a control word, whose
    are 0, or without; it is believed where its type field and what stands behind agree.
    """
    at, above = layer.at, np.ones(len(layer.row), dtype=np.bool_)
    for _ in range(_MOST_LABELS):
        bottom = rows.byte(at + 2) & 1
        at = np.where(above, at + 4, at)
        above &= bottom == 0
        if not above.any():
            break
    inner = PacketLayer(layer.row, at, layer.end, layer.head, layer.version).only(~above)
    yield from below_labels(rows, inner, passed_over)


def below_labels(rows: Rows, layer: PacketLayer, passed_over: Counter[str]) -> Found:
    """What the bottom of a label stack may carry."""
    version = rows.byte(layer.at) >> 4
    ip = _looks_like_ip(rows, layer.at, version)
    word = (version == 0) & looks_like_ethernet(rows, layer.at + 4)
    plain = ~ip & ~word & looks_like_ethernet(rows, layer.at)
    for chosen, kind, size in (
        (ip, HeaderKind.IP, 0),
        (word, HeaderKind.ETHERNET, 4),
        (plain, HeaderKind.ETHERNET, 0),
    ):
        if chosen.any():
            yield kind, layer.only(chosen).skip(size)
    other = int((~ip & ~word & ~plain).sum())
    if other:
        passed_over["MPLS with neither IP nor Ethernet"] += other


_MOST_LABELS = 16


def _looks_like_ip(rows: Rows, at: Int64s, version: Int64s) -> Bools:
    words = rows.byte(at) & 15
    found: Bools = ((version == 4) & (words >= 5)) | (version == 6)
    return found


def looks_like_ethernet(rows: Rows, at: Int64s) -> Bools:
    """Whether type field and what stands behind agree."""
    types = rows.be16(at + 12)
    version = rows.byte(at + 14) >> 4
    ip = ((types == IPV4) & (version == 4)) | ((types == IPV6) & (version == 6))
    tagged = np.isin(types, (0x8100, 0x88A8))
    other = np.isin(types, (0x0806, 0x8847, 0x8864))
    found: Bools = ip | tagged | other
    return found
