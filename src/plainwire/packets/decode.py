"""Frames to TCP segments, for a whole batch at once.

Each step keeps one array element a packet: where its next header begins, and whether it is still of
interest. Nothing here trusts a length: offsets are clipped when bytes are read and compared with the
packet's captured end before they count.

Link types are the LINKTYPE_ numbers of the tcpdump group's list. IPv4: RFC 791, IPv6: RFC 8200,
TCP: RFC 9293 section 3.1.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from plainwire.model import Endpoint, PacketBatch, SegmentBatch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from plainwire.model import Int64s

    Bools = NDArray[np.bool_]

_NULL, _ETHERNET, _LOOP, _SLL, _SLL2 = 0, 1, 108, 113, 276
_RAW = (12, 14, 101)
_RAW_IPV4, _RAW_IPV6 = 228, 229
_SUPPORTED = (_NULL, _ETHERNET, _LOOP, _SLL, _SLL2, *_RAW, _RAW_IPV4, _RAW_IPV6)
_ETHERTYPE_IPV4, _ETHERTYPE_IPV6 = 0x0800, 0x86DD
_VLAN_TAGS = (0x8100, 0x88A8, 0x9100)
_PPPOE, _MPLS = 0x8864, 0x8847
_TUNNELS = {4: "IPv4", 41: "IPv6", 47: "GRE"}
_AF_INET, _AF_INET6 = 2, (10, 24, 28, 30)
_TCP = 6
_IPV6_OPTIONS = (0, 43, 60)  # hop-by-hop, routing, destination: next header, length in 8 bytes less 1
_IPV6_FRAGMENT = 44
_MOST_TAGS, _MOST_EXTENSIONS = 4, 8
_LONGEST_SEGMENT = 1 << 24
"""Offloads hand over less than 1 MB; more is a damaged length."""


class Decoder:
    """Decodes batch after batch; keeps the table of endpoints (which only grows) and what it passed over."""

    def __init__(self) -> None:
        self.endpoints: list[Endpoint] = []
        self._ids: dict[bytes | int, int] = {}
        self.passed_over: Counter[str] = Counter()
        """Packets not decoded, by reason: ``link type 147 is not supported``, ``IP fragments``."""

    def decode(self, batch: PacketBatch) -> SegmentBatch:
        """The TCP segments of the batch, in file order."""
        rows = _Rows(batch)
        version, at = self._network(rows)
        four = self._ipv4(rows, np.flatnonzero(version == 4), at)
        six = self._ipv6(rows, np.flatnonzero(version == 6), at)
        if not len(six.row):
            parts = four
        elif not len(four.row):
            parts = six
        else:
            parts = _Ip.merge(four, six)
        return self._tcp(rows, parts)

    def _network(self, rows: _Rows) -> tuple[Int64s, Int64s]:
        """For each packet the IP version (0: none) and where its IP header begins."""
        links = np.unique(rows.batch.link).tolist()
        version = np.zeros(len(rows.start), dtype=np.int64)
        at = rows.start.copy()
        for link in links:
            chosen = np.flatnonzero(rows.batch.link == link)
            if link not in _SUPPORTED:
                name = "unknown interface" if link < 0 else f"link type {link} is not supported"
                self.passed_over[name] += len(chosen)
                continue
            version[chosen], at[chosen] = _link(rows, chosen, int(link), self.passed_over)
        return version, at

    def _ipv4(self, rows: _Rows, row: Int64s, at: Int64s) -> _Ip:
        head = at[row]
        first = rows.byte(head)
        header = (first & 15) * 4
        total = rows.be16(head + 2)
        fragment = rows.be16(head + 6) & 0x3FFF  # more fragments, or an offset
        protocol = rows.byte(head + 9)
        good = (first >> 4 == 4) & (header >= 20) & (protocol == _TCP)
        if not good.all():
            for number, name in _TUNNELS.items():
                self.passed_over[f"{name} in IPv4"] += int((protocol == number).sum())
        good &= head + header <= rows.end[row]
        good &= (total >= header) | (total == 0)
        pieces = good & (fragment != 0)
        if pieces.any():
            self.passed_over["IP fragments"] += int(pieces.sum())
            good &= ~pieces
        row, head, header, total = row[good], head[good], header[good], total[good]
        # Segmentation offload hands packets over 64 KiB to the capture with a length of 0.
        on_wire = rows.start[row] + rows.batch.length[row]
        end = np.where(total > 0, head + total, on_wire)
        source = self._endpoints4(rows, head + 12, head + header)
        target = self._endpoints4(rows, head + 16, head + header + 2)
        return _Ip(row, head + header, end, rows.byte(head + 8), rows.be16(head + 4), source, target)

    def _ipv6(self, rows: _Rows, row: Int64s, at: Int64s) -> _Ip:
        head = at[row]
        length = rows.be16(head + 4)
        proto, payload = np.where(rows.byte(head) >> 4 == 6, rows.byte(head + 6), -1), head + 40
        for _ in range(_MOST_EXTENSIONS):
            more = np.isin(proto, _IPV6_OPTIONS) & (payload + 8 <= rows.end[row])
            if not more.any():
                break
            following = rows.byte(payload)
            payload = np.where(more, payload + 8 + 8 * rows.byte(payload + 1), payload)
            proto = np.where(more, following, proto)
        pieces = (proto == _IPV6_FRAGMENT) & (rows.byte(payload) == _TCP) & (payload + 8 <= rows.end[row])
        self.passed_over["IP fragments"] += int(pieces.sum())
        good = (proto == _TCP) & (payload + 20 <= rows.end[row])
        row, head, payload, length = row[good], head[good], payload[good], length[good]
        on_wire = rows.start[row] + rows.batch.length[row]
        end = np.where(length > 0, head + 40 + length, on_wire)
        source = self._endpoints6(rows, head + 8, payload)
        target = self._endpoints6(rows, head + 24, payload + 2)
        return _Ip(row, payload, end, rows.byte(head + 7), np.full(len(row), -1), source, target)

    def _tcp(self, rows: _Rows, ip: _Ip) -> SegmentBatch:
        at = ip.payload
        header = (rows.byte(at + 12) >> 4) * 4
        captured_end = np.minimum(rows.end[ip.row], ip.end)
        whole = (header >= 20) & (at + 20 <= rows.end[ip.row])
        whole &= (at + header <= ip.end) & (ip.end - at <= _LONGEST_SEGMENT)
        if not whole.all():
            self.passed_over["damaged TCP headers"] += int((~whole).sum())
            ip, at, header, captured_end = ip.only(whole), at[whole], header[whole], captured_end[whole]
        offset = at + header
        batch = rows.batch
        return SegmentBatch(
            data=batch.data,
            number=batch.number[ip.row],
            time_ns=batch.time_ns[ip.row],
            source=ip.source,
            target=ip.target,
            seq=rows.be32(at + 4),
            ack=rows.be32(at + 8),
            flags=rows.byte(at + 13),
            window=rows.be16(at + 14),
            ttl=ip.ttl,
            ip_id=ip.ip_id,
            offset=offset,
            captured=np.maximum(captured_end - offset, 0),
            length=ip.end - offset,
            endpoints=self.endpoints,
        )

    def _endpoints4(self, rows: _Rows, address: Int64s, port: Int64s) -> Int64s:
        keys = (rows.be32(address) << 16) | rows.be16(port)
        return self._number(keys, lambda key: Endpoint(str(ipaddress.IPv4Address(key >> 16)), key & 0xFFFF))

    def _endpoints6(self, rows: _Rows, address: Int64s, port: Int64s) -> Int64s:
        if not len(address):
            return address
        table = np.empty((len(address), 19), dtype=np.uint8)
        table[:, :16] = rows.take(address, 16)
        table[:, 16:18] = rows.take(port, 2)
        table[:, 18] = 1  # so that no key ends in a zero byte, which NumPy's S type would strip
        keys = np.ascontiguousarray(table).view("S19")[:, 0]
        return self._number(keys, _endpoint6)

    def _number(self, keys, endpoint) -> Int64s:  # type: ignore[no-untyped-def]  # noqa: ANN001
        """Give each distinct key its number in the table of endpoints."""
        distinct, inverse = np.unique(keys, return_inverse=True)
        numbers = np.empty(len(distinct), dtype=np.int64)
        for index, key in enumerate(distinct.tolist()):
            known = self._ids.get(key)
            if known is None:
                known = self._ids[key] = len(self.endpoints)
                self.endpoints.append(endpoint(key))
            numbers[index] = known
        return numbers[inverse]


def _endpoint6(key: bytes) -> Endpoint:
    return Endpoint(str(ipaddress.IPv6Address(key[:16])), int.from_bytes(key[16:18], "big"))


class _Rows:
    """The packets of a batch, and their bytes by position; reads beyond the data give the last byte."""

    def __init__(self, batch: PacketBatch) -> None:
        self.batch = batch
        self.start = batch.offset
        self.end = batch.offset + batch.caplen
        self._bytes = np.frombuffer(batch.data, dtype=np.uint8)

    def byte(self, at: Int64s) -> Int64s:
        return self._bytes.take(at, mode="clip").astype(np.int64)

    def be16(self, at: Int64s) -> Int64s:
        return (self.byte(at) << 8) | self.byte(at + 1)

    def be32(self, at: Int64s) -> Int64s:
        return (self.be16(at) << 16) | self.be16(at + 2)

    def take(self, at: Int64s, size: int) -> NDArray[np.uint8]:
        return self._bytes.take(at[:, None] + np.arange(size), mode="clip")


class _Ip:
    """What IP says of the packets that carry TCP: columns of equal length."""

    __slots__ = ("end", "ip_id", "payload", "row", "source", "target", "ttl")

    def __init__(
        self,
        row: Int64s,
        payload: Int64s,
        end: Int64s,
        ttl: Int64s,
        ip_id: Int64s,
        source: Int64s,
        target: Int64s,
    ) -> None:
        self.row, self.payload, self.end = row, payload, end
        self.ttl, self.ip_id, self.source, self.target = ttl, ip_id, source, target

    def _columns(self) -> list[Int64s]:
        return [self.row, self.payload, self.end, self.ttl, self.ip_id, self.source, self.target]

    def only(self, chosen: Bools | Int64s) -> _Ip:
        return _Ip(*(column[chosen] for column in self._columns()))

    @staticmethod
    def merge(one: _Ip, other: _Ip) -> _Ip:
        """Both, in file order."""
        pairs = zip(one._columns(), other._columns(), strict=True)
        both = _Ip(*(np.concatenate(pair) for pair in pairs))
        return both.only(np.argsort(both.row, kind="stable"))


def _link(rows: _Rows, chosen: Int64s, link: int, passed_over: Counter[str]) -> tuple[Int64s, Int64s]:
    """IP version and start of the IP header of packets of one link type."""
    at = rows.start[chosen]
    if link in _RAW or link in (_RAW_IPV4, _RAW_IPV6):
        version = rows.byte(at) >> 4
    elif link in (_NULL, _LOOP):
        version = _loopback_version(rows, at)
        at = at + 4
    else:
        kind_at, header = {_ETHERNET: (12, 14), _SLL: (14, 16), _SLL2: (0, 20)}[link]
        kind = rows.be16(at + kind_at)
        at = at + header
        for _ in range(_MOST_TAGS):  # IEEE 802.1Q: tag, then the next type
            tagged = np.isin(kind, _VLAN_TAGS)
            if not tagged.any():
                break
            kind = np.where(tagged, rows.be16(at + 2), kind)
            at = np.where(tagged, at + 4, at)
        version = np.where(kind == _ETHERTYPE_IPV4, 4, np.where(kind == _ETHERTYPE_IPV6, 6, 0))
        if not version.all():
            passed_over["PPPoE"] += int((kind == _PPPOE).sum())
            passed_over["MPLS"] += int((kind == _MPLS).sum())
    return np.where(at + 20 <= rows.end[chosen], version, 0), at


def _loopback_version(rows: _Rows, at: Int64s) -> Int64s:
    """NULL has the address family in the byte order of the host that captured, LOOP in network order."""
    family = np.maximum(rows.byte(at), rows.byte(at + 3))
    return np.where(family == _AF_INET, 4, np.where(np.isin(family, _AF_INET6), 6, 0))
