"""The packets of chosen connections, and what their sides sent: one more reading of the capture.

A segment keeps the whole frame that it came in; only its payload will be another one. TCP's checksum is
updated by what changed (RFC 1624): one that was right is right again, one that was left to the network card
stays as wrong as it was.
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct, field

from plainwire.arrays import np
from plainwire.capture import reader
from plainwire.capture.pcapng import WrittenPacket
from plainwire.dns.lookups import PORT as DNS_PORT
from plainwire.model import (
    SYN,
    CaptureDrops,
    DatagramBatch,
    Gap,
    PacketBatch,
    SegmentBatch,
    Side,
    UserError,
)
from plainwire.packets.decode import Decoder
from plainwire.streams.tcp_assembler import Assembler

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from plainwire.folder import FileSource
    from plainwire.model import Connection, Endpoint, Int64s, Text
    from plainwire.share.plain_view import PlainView
    from plainwire.streams.tcp_assembler import TcpConnection

MOST_BYTES = 512 << 20
"""Bytes of packets that a bundle may have: they are all held in memory."""

_CHECKSUM, _FLAGS, _OPTIONS = 16, 13, 20
_NOP, _END, _SACK = 1, 0, 5


class KeptSegment(NamedTuple):
    """A segment in the frame that it came in. ``at``: where its payload begins in the frame."""

    number: int
    time_ns: int
    source: int
    sequence: int
    acknowledged: int
    flags: int
    at: int
    captured: int
    link: int
    length: int
    frame: bytes


class KeptConnection(Struct):
    """A connection with its packets. ``pieces``: what each side sent, in order, as far as it is there."""

    facts: Connection
    tcp: TcpConnection
    pieces: tuple[list[Text | Gap], list[Text | Gap]]
    segments: list[KeptSegment]
    fragmented: bool = False


class KeptPackets(Struct):
    """What was collected. ``dropped``: packets that the capture says it lost."""

    connections: list[KeptConnection] = field(default_factory=list)
    others: list[tuple[int, WrittenPacket]] = field(default_factory=list)
    dropped: int | None = None


def collect(
    captures: Sequence[FileSource],
    wanted: Iterable[Connection],
    numbers: Iterable[int] = (),
    *,
    quic: bool = False,
) -> KeptPackets:
    """Read a capture again for the connections of a report of it, and for single packets by their numbers.

    ``quic``: the datagrams of QUIC connections are among the ``others``.

    Raises:
        UserError: it cannot be read, or is too much.

    """
    connections = {c.first_packet: c for c in wanted}
    datagrams = [c for c in connections.values() if quic and c.quic is not None]
    collector = _Collector(connections, frozenset(numbers), datagrams)
    for item in reader.read(captures):
        if isinstance(item, PacketBatch):
            collector.feed(item)
        elif isinstance(item, CaptureDrops):
            collector.kept.dropped = (collector.kept.dropped or 0) + item.count
    return collector.close()


class _Collector:
    def __init__(
        self, wanted: dict[int, Connection], numbers: frozenset[int], quic: Iterable[Connection]
    ) -> None:
        self.kept = KeptPackets()
        self._wanted = wanted
        self._numbers = numbers
        self._pairs = {frozenset((c.client, c.server)) for c in wanted.values()}
        self._quic: dict[frozenset[Endpoint], list[Connection]] = {}
        for connection in quic:
            paths = connection.quic.paths if connection.quic is not None else []
            for path in {frozenset(ends) for ends in [(connection.client, connection.server), *paths]}:
                self._quic.setdefault(path, []).append(connection)
        self._decoder = Decoder()
        self._assembler = Assembler()
        self._over: list[TcpConnection] = []
        self._rows: dict[frozenset[int], list[KeptSegment]] = {}
        self._fragmented: set[frozenset[int]] = set()
        self._is_wanted: dict[tuple[int, int], bool] = {}
        self._size = 0

    def feed(self, batch: PacketBatch) -> None:
        decoded = self._decoder.decode(batch)
        segments = decoded.segments
        pairs = zip(segments.source.tolist(), segments.target.tolist(), strict=True)
        rows = np.array([self._wants(*pair) for pair in pairs], dtype=bool)
        if decoded.datagrams is not None:
            self._take_datagrams(batch, decoded.datagrams)
        if not rows.any():
            return
        chosen = _only(segments, rows)
        self._keep(batch, chosen)
        self._over += self._assembler.feed(chosen)[1]

    def _wants(self, source: int, target: int) -> bool:
        key = source, target
        if key not in self._is_wanted:
            ends: list[Endpoint] = [self._decoder.endpoints[source], self._decoder.endpoints[target]]
            self._is_wanted[key] = frozenset(ends) in self._pairs
        return self._is_wanted[key]

    def _take_datagrams(self, batch: PacketBatch, datagrams: DatagramBatch) -> None:
        """Of the packets that are wanted by their numbers those to and from name servers; those of QUIC."""
        ends = zip(
            datagrams.number.tolist(), datagrams.source.tolist(), datagrams.target.tolist(), strict=True
        )
        for number, source, target in ends:
            pair: frozenset[Endpoint] = frozenset(
                (self._decoder.endpoints[source], self._decoder.endpoints[target])
            )
            asked = number in self._numbers and any(end.port == DNS_PORT for end in pair)
            if asked or any(c.first_packet <= number <= c.last_packet for c in self._quic.get(pair, ())):
                row = int(np.searchsorted(batch.number, number))
                packet = _packet(batch, row)
                self._count(packet)
                self.kept.others.append((number, packet))

    def _keep(self, batch: PacketBatch, chosen: SegmentBatch) -> None:
        where = np.searchsorted(batch.number, chosen.number)
        columns = (chosen.source, chosen.target, chosen.seq, chosen.ack, chosen.flags, chosen.offset)
        table = np.stack((where, *columns, chosen.captured)).T.tolist()
        for row, source, target, sequence, acknowledged, flags, offset, captured in table:
            packet = _packet(batch, row)
            at = offset - int(batch.offset[row])
            pair = frozenset((source, target))
            if not 0 <= at <= at + captured <= len(packet.data):
                self._fragmented.add(pair)
                continue
            self._count(packet)
            kept = (sequence, acknowledged, flags, at, captured, packet.link, packet.length, packet.data)
            number = int(batch.number[row])
            self._rows.setdefault(pair, []).append(KeptSegment(number, packet.time_ns, source, *kept))

    def _count(self, packet: WrittenPacket) -> None:
        self._size += len(packet.data)
        if self._size > MOST_BYTES:
            message = f"these connections have more than {MOST_BYTES >> 20} MB: choose some (--connection N)"
            raise UserError(message)

    def close(self) -> KeptPackets:
        for tcp in [*self._over, *self._assembler.close()]:
            facts = tcp.finish()
            if facts.first_packet in self._wanted:
                self.kept.connections.append(self._connection(tcp, facts))
        self.kept.connections.sort(key=lambda connection: connection.facts.first_packet)
        return self.kept

    def _connection(self, tcp: TcpConnection, facts: Connection) -> KeptConnection:
        pair = frozenset((tcp.client, tcp.server))
        rows = self._rows.get(pair, [])
        first = bisect_left(rows, facts.first_packet, key=_number)
        mine = rows[first : bisect_right(rows, facts.last_packet, key=_number)]
        pieces = tuple(
            [
                piece if isinstance(piece, Gap) else (piece[1], piece[0], piece[0] + len(piece[1]))
                for piece in direction.pieces
            ]
            for direction in tcp.directions
        )
        facts.gaps = [piece for side in pieces for piece in side if isinstance(piece, Gap)]
        return KeptConnection(facts, tcp, (pieces[0], pieces[1]), mine, pair in self._fragmented)


def _number(segment: KeptSegment) -> int:
    return segment.number


def _only(segments: SegmentBatch, rows: Int64s) -> SegmentBatch:
    names: tuple[str, ...] = (
        "number",
        "time_ns",
        "source",
        "target",
        "seq",
        "ack",
        "flags",
        "window",
        "ttl",
        "ip_id",
    )
    names += ("offset", "captured", "length")
    columns = {name: getattr(segments, name)[rows] for name in names}
    return SegmentBatch(data=segments.data, **columns, endpoints=segments.endpoints, options=segments.options)


def _packet(batch: PacketBatch, row: int) -> WrittenPacket:
    start, size = int(batch.offset[row]), int(batch.caplen[row])
    data = batch.data[start : start + size]
    return WrittenPacket(int(batch.time_ns[row]), int(batch.link[row]), int(batch.length[row]), data)


# --- and back -------------------------------------------------------------------------------------------


def with_payloads(connection: KeptConnection, made: tuple[bytes, bytes]) -> list[tuple[int, WrittenPacket]]:
    """The connection's packets, numbered as they were, with these bytes in the place of what was sent.

    What no stream holds (probes, what came behind the end) becomes zeros.
    """
    return [(segment.number, _replaced(connection, segment, made)) for segment in connection.segments]


def _replaced(connection: KeptConnection, segment: KeptSegment, made: tuple[bytes, bytes]) -> WrittenPacket:
    frame = segment.frame
    if segment.captured:
        side = _side(connection, segment)
        start = _offset(connection, segment, side)
        payload = _cut_out(made[side], start, segment.captured)
        frame = frame[: segment.at] + payload + frame[segment.at + segment.captured :]
        frame = _updated(segment, frame)
    return WrittenPacket(segment.time_ns, segment.link, segment.length, frame)


def _side(connection: KeptConnection, segment: KeptSegment) -> Side:
    return Side.CLIENT if segment.source == connection.tcp.client else Side.SERVER


def _offset(connection: KeptConnection, segment: KeptSegment, side: Side) -> int:
    """Where in its side's stream the payload begins."""
    direction = connection.tcp.directions[side]
    if direction.base is None:
        return -1 << 40
    return direction.offset(segment.sequence) + (1 if segment.flags & SYN else 0)


def _cut_out(stream: bytes, start: int, size: int) -> bytes:
    before = min(max(-start, 0), size)
    part = stream[max(start, 0) : max(start + size, 0)]
    return (bytes(before) + part + bytes(size))[:size]


def _header(segment: KeptSegment) -> int | None:
    """Where TCP's header begins in the frame (RFC 9293 section 3.1)."""
    frame = segment.frame
    for words in range(5, 16):
        at = segment.at - 4 * words
        if at >= 0 and frame[at + 12] >> 4 == words:
            numbers = struct.unpack_from(">II", frame, at + 4)
            if numbers == (segment.sequence, segment.acknowledged):
                return at
    return None


def _updated(segment: KeptSegment, frame: bytes) -> bytes:
    at = _header(segment)
    return frame if at is None else _checksummed(frame, segment, at, segment.captured)


def _sum(data: bytes) -> int:
    """The sum of 16-bit words that checksums are made of (RFC 1071)."""
    padded = data + b"\0" if len(data) % 2 else data
    return int(np.frombuffer(padded, dtype=">u2").sum(dtype=np.int64))


def without_tls(
    connection: KeptConnection, views: tuple[PlainView, PlainView]
) -> list[tuple[int, WrittenPacket]]:
    """The connection's packets, numbered as they were, as if there had been no TLS.

    Sequence numbers and acknowledgments are those of the plain text; times, flags, windows and the order of
    the packets stay.
    """
    return [(segment.number, _plain(connection, segment, views)) for segment in connection.segments]


def _plain(
    connection: KeptConnection, segment: KeptSegment, views: tuple[PlainView, PlainView]
) -> WrittenPacket:
    header = _header(segment)
    side = _side(connection, segment)
    if header is None or any(direction.base is None for direction in connection.tcp.directions):
        return WrittenPacket(segment.time_ns, segment.link, segment.length, segment.frame[: segment.at])
    view, other = views[side], views[side.peer]
    start = _offset(connection, segment, side)
    begin, end = view.offset(start), view.offset(start + segment.captured)
    payload = _cut_out(view.text, begin, end - begin)
    sequence = _moved(connection, segment.sequence, side, view)
    acknowledged = segment.acknowledged
    if segment.flags & 0x10:
        acknowledged = _moved(connection, acknowledged, side.peer, other)
    head = bytearray(segment.frame[: segment.at])
    struct.pack_into(">II", head, header + 4, sequence & 0xFFFFFFFF, acknowledged & 0xFFFFFFFF)
    _without_sack(head, header + _OPTIONS)
    shrunk = segment.captured - len(payload)
    _shorten(head, header, shrunk)
    frame = bytes(head) + payload
    frame = _checksummed(frame, segment, header, len(payload))
    return WrittenPacket(segment.time_ns, segment.link, len(frame), frame)


def _moved(connection: KeptConnection, number: int, side: Side, view: PlainView) -> int:
    """A sequence number of one side in the plain text. A SYN and a FIN count one each, as before."""
    direction = connection.tcp.directions[side]
    offset = direction.offset(number)
    fin = 1 if direction.fin is not None and offset > direction.fin else 0
    return number - offset + view.offset(offset - fin) + fin


def _without_sack(head: bytearray, at: int) -> None:
    """Selective acknowledgments name sequence numbers: they become padding (RFC 2018)."""
    while at < len(head) and head[at] != _END:
        if head[at] == _NOP:
            at += 1
            continue
        size = head[at + 1] if at + 1 < len(head) else 0
        if size < 2:
            return
        if head[at] == _SACK:
            head[at : at + size] = bytes((_NOP,)) * len(head[at : at + size])
        at += size


def _shorten(head: bytearray, header: int, by: int) -> None:
    """IP's length, directly ahead of TCP's header (RFC 791 section 3.1, RFC 8200 section 3)."""
    for size in range(20, 64, 4):
        at = header - size
        if at >= 0 and head[at] == 0x40 | size // 4 and head[at + 9] == 6:
            total = int.from_bytes(head[at + 2 : at + 4])
            if total:
                head[at + 2 : at + 4] = max(total - by, 0).to_bytes(2)
                head[at + 10 : at + 12] = b"\0\0"
                total = _sum(bytes(head[at:header]))
                head[at + 10 : at + 12] = (~((total & 0xFFFF) + (total >> 16)) & 0xFFFF).to_bytes(2)
            return
    at = header - 40
    if at >= 0 and head[at] >> 4 == 6 and head[at + 6] == 6:
        head[at + 4 : at + 6] = max(int.from_bytes(head[at + 4 : at + 6]) - by, 0).to_bytes(2)


def _checksummed(frame: bytes, segment: KeptSegment, header: int, size: int) -> bytes:
    """TCP's checksum, changed by what changed, the pseudo header's length included."""
    before = segment.frame[header : segment.at + segment.captured]
    after = frame[header : segment.at + size]
    checksum = int.from_bytes(before[_CHECKSUM : _CHECKSUM + 2])
    changed = _sum(after) + len(after) - _sum(before) - len(before)
    total = (~checksum & 0xFFFF) + changed % 0xFFFF
    updated = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    return frame[: header + _CHECKSUM] + updated.to_bytes(2) + frame[header + _CHECKSUM + 2 :]
