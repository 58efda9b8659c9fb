"""From frames to TCP segments, UDP datagrams and ICMP errors, a whole batch at once.

Packets whose next header is of one kind form a ``PacketLayer``. The handler of that kind passes on layers for
the headers that follow, until TCP, UDP, ICMP or an undecoded protocol is reached. Of a tunneled packet the
innermost headers count. Fragments wait for the rest of their packet, across batches too.

TCP: RFC 9293 section 3.1. UDP: RFC 768.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

from plainwire.arrays import np
from plainwire.model import SYN, DatagramBatch, IcmpError, PacketBatch, SegmentBatch
from plainwire.packets import encapsulation, icmp, links, network, options
from plainwire.packets.endpoints import Endpoints
from plainwire.packets.fragments import Fragments
from plainwire.packets.layers import Handler, HeaderKind, PacketLayer, Rows, gather, merge

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from plainwire.model import Endpoint, Int64s, SynOptions

_LONGEST_SEGMENT = 1 << 24
"""Offloading produces less than 1 MB; more is a damaged length."""

_DEEPEST = 32
"""Most nested headers before TCP or UDP."""

_ENDS = (HeaderKind.TCP, HeaderKind.DATAGRAM, HeaderKind.ICMP)

_HANDLERS: dict[HeaderKind, Handler] = {
    **links.HANDLERS,
    HeaderKind.IPV4: network.ipv4,
    HeaderKind.IPV6: network.ipv6,
    HeaderKind.AUTHENTICATION: network.authentication,
    **encapsulation.HANDLERS,
}


class Decoded(NamedTuple):
    """The contents of a batch of packets."""

    segments: SegmentBatch
    datagrams: DatagramBatch | None
    """None if there is no UDP."""
    errors: list[IcmpError]
    joined: list[list[int]]
    """The numbers of the packets that are fragments of one; the last is the one that completed it."""


class Decoder:
    """Decodes batch after batch; keeps the table of endpoints (it only grows) and counts what it skipped."""

    def __init__(self) -> None:
        self._endpoints = Endpoints()
        self.passed_over: Counter[str] = Counter()
        """Packets not decoded, by reason: ``link type 147 is not supported``, ``MACsec``."""
        self._fragments = Fragments(self.passed_over)

    @property
    def endpoints(self) -> Sequence[Endpoint]:
        """The endpoints that ``source`` and ``target`` are numbers of."""
        return self._endpoints.table

    def decode(self, batch: PacketBatch) -> Decoded:
        """Decode a batch; everything is in file order."""
        rows = Rows(batch)
        self._fragments.joined = []
        ends = self._descend(rows, batch.link)
        segments = self._segments(rows, ends[HeaderKind.TCP])
        datagrams = self._datagrams(rows, ends[HeaderKind.DATAGRAM])
        errors = icmp.errors(rows, ends[HeaderKind.ICMP])
        return Decoded(segments, datagrams, errors, self._fragments.joined)

    def _descend(self, rows: Rows, link: Int64s) -> defaultdict[HeaderKind, list[PacketLayer]]:
        """Go from header to header, all packets together."""
        ends: defaultdict[HeaderKind, list[PacketLayer]] = defaultdict(list)
        todo = gather(links.enter(rows, link, self.passed_over))
        for _ in range(_DEEPEST):
            following: list[tuple[HeaderKind, PacketLayer]] = []
            for kind, layer in todo:
                if kind in _ENDS:
                    ends[kind].append(layer)
                elif kind in _HANDLERS:
                    following += _HANDLERS[kind](rows, layer, self.passed_over)
                else:
                    following += self._fragments.feed(rows, kind, layer)
            todo = gather(following)
            if not todo:
                return ends
        self.passed_over["headers nested too deeply"] += sum(len(layer.row) for _, layer in todo)
        return ends

    def _segments(self, rows: Rows, layers: list[PacketLayer]) -> SegmentBatch:
        found: dict[int, SynOptions] = {}
        parts = [self._tcp(rows, merge(same), found) for same in _by_version(layers)]
        if not parts:
            parts = [self._tcp(rows, _nothing(), found)]
        columns = _in_order(parts)
        return SegmentBatch(data=rows.data, **columns, endpoints=self.endpoints, options=found)

    def _tcp(self, rows: Rows, layer: PacketLayer, found: dict[int, SynOptions]) -> dict[str, Int64s]:
        header = (rows.byte(layer.at + 12) >> 4) * 4
        whole = (header >= 20) & (layer.at + 20 <= rows.end[layer.row])
        whole &= (layer.at + header <= layer.end) & (layer.end - layer.at <= _LONGEST_SEGMENT)
        if not whole.all():
            self.passed_over["damaged TCP headers"] += int((~whole).sum())
            layer, header = layer.only(whole), header[whole]
        at, four, flags = layer.at, layer.version == 4, rows.byte(layer.at + 13)
        found.update(_of_syns(rows, layer, header, flags))
        return {
            **self._common(rows, layer, at),
            "seq": rows.be32(at + 4),
            "ack": rows.be32(at + 8),
            "flags": flags,
            "window": rows.be16(at + 14),
            "ip_id": rows.be16(layer.head + 4) if four else np.full(len(at), -1, dtype=np.int64),
            **_payload(rows, layer, at + header),
        }

    def _datagrams(self, rows: Rows, layers: list[PacketLayer]) -> DatagramBatch | None:
        parts = [self._udp(rows, merge(same)) for same in _by_version(layers)]
        if not parts:
            return None
        return DatagramBatch(data=rows.data, **_in_order(parts), endpoints=self.endpoints)

    def _udp(self, rows: Rows, layer: PacketLayer) -> dict[str, Int64s]:
        """UDP of layers that are past the UDP header."""
        return {**self._common(rows, layer, layer.at - 8), **_payload(rows, layer, layer.at)}

    def _common(self, rows: Rows, layer: PacketLayer, ports: Int64s) -> dict[str, Int64s]:
        """The columns that segments and datagrams share. IP's addresses and hop limit: RFC 791, RFC 8200."""
        four = layer.version == 4
        number = self._endpoints.ipv4 if four else self._endpoints.ipv6
        return {
            "number": rows.number[layer.row],
            "time_ns": rows.time_ns[layer.row],
            "source": number(rows, layer.head + (12 if four else 8), ports),
            "target": number(rows, layer.head + (16 if four else 24), ports + 2),
            "ttl": rows.byte(layer.head + (8 if four else 7)),
        }


def _of_syns(
    rows: Rows, layer: PacketLayer, header: Int64s, flags: Int64s
) -> Iterator[tuple[int, SynOptions]]:
    """The options of segments with SYN, by packet number, without those that are cut or damaged."""
    found = np.flatnonzero(flags & SYN)
    at, row = layer.at[found], layer.row[found]
    starts, ends, there = (at + 20).tolist(), (at + header[found]).tolist(), rows.end[row].tolist()
    for number, start, end, captured in zip(rows.number[row].tolist(), starts, ends, there, strict=True):
        read = options.read(rows.data[start:end]) if end <= captured else None
        if read is not None:
            yield number, read


def _payload(rows: Rows, layer: PacketLayer, offset: Int64s) -> dict[str, Int64s]:
    captured = np.minimum(rows.end[layer.row], layer.end) - offset
    return {"offset": offset, "captured": np.maximum(captured, 0), "length": layer.end - offset}


def _nothing() -> PacketLayer:
    none = np.zeros(0, dtype=np.int64)
    return PacketLayer(none, none, none, none, 4)


def _by_version(layers: list[PacketLayer]) -> list[list[PacketLayer]]:
    groups = ([layer for layer in layers if layer.version == version] for version in (4, 6))
    return [group for group in groups if group]


def _in_order(parts: list[dict[str, Int64s]]) -> dict[str, Int64s]:
    """Join the columns of several parts, in the order of packet numbers."""
    columns = parts[0]
    if len(parts) > 1:
        columns = {name: np.concatenate([part[name] for part in parts]) for name in columns}
    number = columns["number"]
    if (number[1:] >= number[:-1]).all():
        return columns
    order = np.argsort(number, kind="stable")
    return {name: column[order] for name, column in columns.items()}
