"""ICMP (RFC 792) and ICMPv6 (RFC 4443) errors: what a router or host reports, and about which packet."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

from plainwire.arrays import np
from plainwire.model import Endpoint, IcmpError
from plainwire.packets.endpoints import ipv6_text

if TYPE_CHECKING:
    from plainwire.packets.layers import PacketLayer, Rows

_UNREACHABLE = {
    0: "network unreachable",
    1: "host unreachable",
    2: "protocol unreachable",
    3: "port unreachable",
    4: "fragmentation needed",
    5: "source route failed",
    6: "network unknown",
    7: "host unknown",
    8: "source host isolated",
    9: "network administratively prohibited",
    10: "host administratively prohibited",
    11: "network unreachable for this type of service",
    12: "host unreachable for this type of service",
    13: "communication administratively prohibited",
    14: "host precedence violation",
    15: "precedence cutoff in effect",
}
"""RFC 792, RFC 1122 section 3.2.2.1, RFC 1812 section 5.2.7.1."""

_UNREACHABLE6 = {
    0: "no route",
    1: "communication administratively prohibited",
    2: "beyond scope of source address",
    3: "address unreachable",
    4: "port unreachable",
    5: "source address failed ingress or egress policy",
    6: "reject route",
    7: "error in source routing header",
}
_EXCEEDED4 = {0: "time to live exceeded in transit", 1: "fragment reassembly time exceeded"}
_EXCEEDED6 = {0: "hop limit exceeded in transit", 1: "fragment reassembly time exceeded"}
_PARAMETER4 = {0: "pointer indicates the error", 1: "required option missing", 2: "bad length"}
_PARAMETER6 = {
    0: "erroneous header field",
    1: "unrecognized next header",
    2: "unrecognized IPv6 option",
    3: "first fragment has an incomplete header chain",
}

_ERRORS: dict[int, dict[int, tuple[str, dict[int, str]]]] = {
    4: {
        3: ("destination unreachable", _UNREACHABLE),
        4: ("source quench", {}),
        11: ("time exceeded", _EXCEEDED4),
        12: ("parameter problem", _PARAMETER4),
    },
    6: {
        1: ("destination unreachable", _UNREACHABLE6),
        2: ("packet too big", {}),
        3: ("time exceeded", _EXCEEDED6),
        4: ("parameter problem", _PARAMETER6),
    },
}

_TCP, _UDP = 6, 17
_OPTIONS = (0, 43, 60)
_MOST_EXTENSIONS = 8
_LONGEST_QUOTE = 512


def errors(rows: Rows, layers: list[PacketLayer]) -> list[IcmpError]:
    """The error messages that quote TCP or UDP, in file order; echoes and the like are skipped."""
    found = []
    for layer in layers:
        known = np.isin(rows.byte(layer.at), tuple(_ERRORS[layer.version]))
        chosen = layer.only(known & (layer.at + 8 <= rows.end[layer.row]))
        ends = np.minimum(chosen.end, rows.end[chosen.row])
        for row, at, head, end in zip(
            chosen.row.tolist(), chosen.at.tolist(), chosen.head.tolist(), ends.tolist(), strict=True
        ):
            sender = _address(rows.data, head, chosen.version)
            error = _error(rows.data[at : min(end, at + _LONGEST_QUOTE)], chosen.version, row, rows, sender)
            if error is not None:
                found.append(error)
    return sorted(found, key=lambda error: error.packet)


def _address(data: bytes, head: int, version: int) -> str:
    if version == 4:
        return str(ipaddress.IPv4Address(data[head + 12 : head + 16]))
    return ipv6_text(data[head + 8 : head + 24])


def _error(message: bytes, version: int, row: int, rows: Rows, sender: str) -> IcmpError | None:
    quote = message[8:]
    carried = _quoted4(quote) if version == 4 else _quoted6(quote)
    if carried is None:
        return None
    protocol, at = carried
    if protocol not in {_TCP, _UDP} or len(quote) < at + 4:
        return None
    kind, code = message[0], message[1]
    target = 16 if version == 4 else 24
    return IcmpError(
        packet=int(rows.number[row]),
        time_ns=int(rows.time_ns[row]),
        sender=sender,
        type=kind,
        code=code,
        says=_says(version, kind, code),
        protocol=protocol,
        source=Endpoint(_address(quote, 0, version), int.from_bytes(quote[at : at + 2], "big")),
        target=Endpoint(_target(quote, target, version), int.from_bytes(quote[at + 2 : at + 4], "big")),
        seq=int.from_bytes(quote[at + 4 : at + 8], "big") if _has_seq(protocol, quote, at) else None,
        mtu=_mtu(version, message),
    )


def _target(quote: bytes, at: int, version: int) -> str:
    if version == 4:
        return str(ipaddress.IPv4Address(quote[at : at + 4]))
    return ipv6_text(quote[at : at + 16])


def _has_seq(protocol: int, quote: bytes, at: int) -> bool:
    return protocol == _TCP and len(quote) >= at + 8


def _says(version: int, kind: int, code: int) -> str:
    name, codes = _ERRORS[version][kind]
    return f"{name}: {codes.get(code, f'code {code}')}" if codes else name


def _mtu(version: int, message: bytes) -> int | None:
    """RFC 1191 section 4 (0: the router does not say), RFC 4443 section 3.2."""
    if version == 4 and message[:2] == b"\x03\x04":
        return int.from_bytes(message[6:8], "big") or None
    if version == 6 and message[0] == 2:
        return int.from_bytes(message[4:8], "big")
    return None


def _quoted4(quote: bytes) -> tuple[int, int] | None:
    """The protocol and the offset of its header; None if there is none to read."""
    if len(quote) < 20 or quote[0] >> 4 != 4 or quote[0] & 15 < 5 or quote[6] & 0x1F or quote[7]:
        return None
    return quote[9], (quote[0] & 15) * 4


def _quoted6(quote: bytes) -> tuple[int, int] | None:
    if len(quote) < 40 or quote[0] >> 4 != 6:
        return None
    protocol, at = quote[6], 40
    for _ in range(_MOST_EXTENSIONS):
        if len(quote) < at + 8:
            return protocol, at
        if protocol in _OPTIONS:
            protocol, at = quote[at], at + 8 + 8 * quote[at + 1]
        elif protocol == 44 and not quote[at + 2] and not quote[at + 3] & 0xF8:  # a first fragment
            protocol, at = quote[at], at + 8
        else:
            break
    return protocol, at
