"""What the program's own calls on its TCP sockets showed, as segments: for users who may not capture.

The interposer wrote a record a call (``trace_records``): of these segments are made, as a capture on this
host would have had them at the least:

- Bytes that the kernel had by a moment came before whatever the program did then, though it may have read
  them later.
- A segment of the peer acknowledges what the peer had acknowledged when the program met it: the true one may
  have acknowledged less. So has it come at the latest then.
- What is between two calls is not seen: retransmissions, windows, times of arrival.

They have a TTL of 0, which no segment on a wire has: by that everybody who reads them knows what they are
(``Connection.from_sockets``).
"""

from __future__ import annotations

import errno
import mmap
import os
import struct
from typing import TYPE_CHECKING, NamedTuple

from plainwire.acquire.trace_records import CLOSED, NOT_BEGUN, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from plainwire.acquire.trace_records import Record, TracedConnection

LINK_RAW = 101  # LINKTYPE_RAW
SNAPLEN = 1 << 16
_MOST_SEGMENTS = 4_000_000
_MOST_UNKNOWN = 1 << 28
"""Bytes between two calls that the kernel counted and nobody saw. More are a mistake, or a lie."""

_FIN, _SYN, _RST, _PSH, _ACK = 1, 2, 4, 8, 16
_FIN_CAME = (6, 8, 9, 11)  # TIME_WAIT, CLOSE_WAIT, LAST_ACK, CLOSING
_UNDER_WAY = (0, errno.EINPROGRESS, errno.EINTR)
_ISN = (0x10000000, 0x20000000)
_MOST_SEGMENT = 60_000
_MSS = b"\x02\x04\x05\xb4"
_WINDOW = 65_535
_STALE_NS = 20_000_000
"""What TCP_INFO says of the time of the last segment is as fine as the kernel's timer: 1 to 10 ms."""


class Piece(NamedTuple):
    """Bytes of a stream: where they lie in the trace; None where only their number is known."""

    at: int | None
    size: int


class TracedSegment(NamedTuple):
    """A packet that was made of a trace: IP on, and its length with the bytes that are not known."""

    time_ns: int
    data: bytes
    length: int


class _Made(NamedTuple):
    time: int
    ours: bool
    flags: int
    seq: int
    ack: int
    pieces: tuple[Piece, ...]
    size: int


def segments(descriptor: int) -> tuple[list[TracedSegment], str | None]:
    """The segments of a trace, by time, and why there are not all, where that is so."""
    if not os.fstat(descriptor).st_size:
        return [], None
    with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as data:
        trace = read(data)
        made: list[tuple[int, int, int, _Made]] = []
        kept = _one_side_each(trace.connections)
        for number, connection in enumerate(kept):
            offset = _offset(connection, trace.clocks)
            if len(made) > _MOST_SEGMENTS:
                trace.cut = f"only its first {_MOST_SEGMENTS:,} segments were made"
                break
            made += [
                (each.time + offset, number, at, each) for at, each in enumerate(_synthesised(connection))
            ]
        made.sort(key=lambda each: each[:3])
        return [_packet(kept[number], time, each, data) for time, number, _, each in made], trace.cut


def _offset(connection: TracedConnection, clocks: dict[int, int]) -> int:
    return clocks.get(connection.records[0].pid, next(iter(clocks.values()), 0))


def _one_side_each(connections: Iterable[TracedConnection]) -> list[TracedConnection]:
    """Of a connection whose both ends are the program's the client's side is told."""
    connections = list(connections)
    clients = {(each.local, each.peer) for each in connections if each.active and each.begun}
    return [each for each in connections if each.active or (each.peer, each.local) not in clients]


# --- from records to segments -----------------------------------------------------------------------------


class _Synthesis:
    """The segments of one connection, in the making. Positions are offsets in the two streams."""

    def __init__(self, connection: TracedConnection) -> None:
        self._connection = connection
        self.made: list[_Made] = []
        stream = _received(connection.records)
        self._known = sum(piece.size for piece in stream)
        self._stream = stream[::-1]  # what has not come yet; the next at its end
        self._read = self._arrived = self._sent = self._acknowledged = 0
        self._fin_came = self._fin_sent = self._reset = self._refused = False
        self._established = not connection.begun
        self._last_close = _last_close(connection.records)
        self._whole = _whole(connection.records, self._known)

    def take(self, number: int, record: Record) -> None:
        """Add what a record tells of."""
        kind = record.kind
        if kind == "C":
            self._connect(record)
            return
        if self._refused or (self._reset and kind != "R"):
            return
        if kind == "X" and not self._established:
            self._refuse(record)
            return
        if kind == "E" and record.state in (2, *NOT_BEGUN):
            return
        self._establish(record)
        if kind == "R":
            self._read += record.total
        self._arrive(record)
        if kind == "S":
            pieces = [Piece(record.payload, record.size)] if record.size else []
            self._send(record, [*pieces, Piece(None, record.total - record.size)])
        elif kind == "X":
            self._fail(record)
        elif kind == "H":
            self._acknowledge(record)
            self._finish(record)
        elif kind == "Q" and number == self._last_close:
            self._acknowledge(record)
            self._close(record)

    # --- its begin

    def _connect(self, record: Record) -> None:
        if record.state not in NOT_BEGUN:
            return
        self._add(record.time, _SYN, -1, -1, ours=True)
        if record.error not in _UNDER_WAY:
            self._refuse(record)

    def _refuse(self, record: Record) -> None:
        self._refused = True
        if record.error == errno.ECONNREFUSED:
            self._add(record.time, _RST | _ACK, -1, 0, ours=False)

    def _establish(self, record: Record) -> None:
        if self._established:
            return
        self._established = True
        if not self._connection.active:
            self._add(record.time, _SYN, -1, -1, ours=False)
        self._add(record.time, _SYN | _ACK, -1, 0, ours=not self._connection.active)
        self._add(record.time, _ACK, 0, 0, ours=self._connection.active)

    # --- what came

    def _arrive(self, record: Record) -> None:
        """What the kernel had by then."""
        ended = record.state in _FIN_CAME
        target = self._read
        if record.received is not None and record.received < self._known + _MOST_UNKNOWN:
            came = record.received - ended
            if (record.state == CLOSED and came == self._known + 1) or came - 1 == self._whole:
                came, ended = came - 1, True
            target = max(target, came)
        if self._connection.begun and target > self._arrived:
            self._come(record, target)
        elif target > self._arrived:  # its begin was not seen: only what was read counts
            self._come(record, max(self._read, self._arrived))
        if record.kind == "R" and record.total == 0 and not ended:
            ended = record.state != CLOSED or self._fin_sent
        if ended and not self._fin_came:
            time = _earlier(record.time, record.last_ack)
            self._add(time, _FIN | _ACK, self._arrived, self._acked(record), ours=False)
            self._fin_came = True

    def _come(self, record: Record, target: int) -> None:
        pieces = self._next(target - self._arrived)
        time, ack = _earlier(record.time, record.last_data), self._acked(record)
        for part, size in _portions(pieces):
            self._add(time, _PSH | _ACK, self._arrived, ack, part, ours=False)
            self._arrived += size

    def _next(self, size: int) -> list[Piece]:
        """So many bytes of the stream; what is not in it is not known."""
        found = []
        while size and self._stream:
            at, left = self._stream.pop()
            take = min(size, left)
            found.append(Piece(at, take))
            size -= take
            if take < left:
                self._stream.append(Piece(None if at is None else at + take, left - take))
        return [*found, Piece(None, size)] if size else found

    def _acked(self, record: Record) -> int:
        """How much of ours the peer had acknowledged. The kernel's sum has a SYN that was sent first."""
        most = self._sent + self._fin_sent
        if record.acked is not None and self._connection.begun:
            acked = min(record.acked - self._connection.active, most)
        else:
            acked = most
        self._acknowledged = max(self._acknowledged, acked)
        return self._acknowledged

    def _acknowledge(self, record: Record) -> None:
        before = self._acknowledged
        if self._acked(record) > before:
            time = _earlier(record.time, record.last_ack)
            self._add(time, _ACK, self._arrived + self._fin_came, self._acknowledged, ours=False)

    # --- what was sent

    def _send(self, record: Record, pieces: list[Piece]) -> None:
        for part, size in _portions([piece for piece in pieces if piece.size]):
            self._add(record.time, _PSH | _ACK, self._sent, self._arrived + self._fin_came, part, ours=True)
            self._sent += size

    def _finish(self, record: Record) -> None:
        if record.error and not self._fin_sent:  # SHUT_WR, SHUT_RDWR
            self._end(record)

    def _end(self, record: Record) -> None:
        self._add(record.time, _FIN | _ACK, self._sent, self._arrived + self._fin_came, ours=True)
        self._fin_sent = True

    def _fail(self, record: Record) -> None:
        broken = record.error == errno.EPIPE and record.state == CLOSED and not self._fin_sent
        if record.error == errno.ECONNRESET or broken:
            self._acknowledge(record)
            self._be_reset(record)

    def _be_reset(self, record: Record) -> None:
        self._add(record.time, _RST, self._arrived + self._fin_came, -1, ours=False)
        self._reset = True

    def _close(self, record: Record) -> None:
        if record.state == CLOSED:
            if not self._fin_sent:
                self._be_reset(record)
        elif record.unread or record.error:
            at = self._sent + self._fin_sent
            self._add(record.time, _RST | _ACK, at, self._arrived + self._fin_came, ours=True)
        elif not self._fin_sent:
            self._end(record)

    def _add(
        self,
        time: int,
        flags: int,
        seq: int,
        ack: int,
        pieces: tuple[Piece, ...] = (),
        *,
        ours: bool,
    ) -> None:
        before = self.made[-1].time if self.made else time
        size = sum(piece.size for piece in pieces)
        self.made.append(_Made(max(time, before), ours, flags, seq, ack, pieces, size))


def _synthesised(connection: TracedConnection) -> list[_Made]:
    synthesis = _Synthesis(connection)
    for number, record in enumerate(connection.records):
        synthesis.take(number, record)
    return synthesis.made


def _received(records: Iterable[Record]) -> list[Piece]:
    """The stream that came: what was read, and what was left when it was closed."""
    stream: list[Piece] = []
    last = None
    for record in records:
        if record.kind == "R" and record.total:
            if record.size:
                stream.append(Piece(record.payload, record.size))
            if record.total > record.size:
                stream.append(Piece(None, record.total - record.size))
        last = record if record.kind == "Q" else last
    if last is not None and last.size:
        stream.append(Piece(last.payload, last.size))
    return stream


def _whole(records: Iterable[Record], known: int) -> int | None:
    """Bytes that came before the peer's FIN, which the kernel counts as one; None: that is not known. It says
    that of which state the connection was a moment before it counts.
    """
    for record in records:
        if record.received and record.state in _FIN_CAME:
            return record.received - 1
        if record.kind == "Q" and not record.unread and record.received == known + 1:
            return known
    return None


def _last_close(records: list[Record]) -> int:
    """Which close(2) ended it: others are of copies, where something was moved behind them. -1: none."""
    closes = [number for number, record in enumerate(records) if record.kind == "Q"]
    if not closes or any(record.kind in "SR" and record.total for record in records[closes[-1] :]):
        return -1
    return closes[-1]


def _portions(pieces: Iterable[Piece]) -> Iterator[tuple[tuple[Piece, ...], int]]:
    """As many as go into one segment; bytes that are not known stand at its end."""
    part: list[Piece] = []
    size = 0
    for piece in pieces:
        at, left = piece
        while left:
            take = min(left, _MOST_SEGMENT - size)
            part.append(Piece(at, take))
            size, left = size + take, left - take
            at = None if at is None else at + take
            if size == _MOST_SEGMENT or at is None:
                yield tuple(part), size
                part, size = [], 0
    if part:
        yield tuple(part), size


def _earlier(time: int, milliseconds: int) -> int:
    """When the last segment came that the kernel tells of."""
    ago = milliseconds * 1_000_000
    return time - ago if ago > _STALE_NS else time


# --- packets ----------------------------------------------------------------------------------------------


def _packet(connection: TracedConnection, time: int, made: _Made, data: mmap.mmap) -> TracedSegment:
    mine, theirs = _ISN
    ends = (connection.local, connection.peer) if made.ours else (connection.peer, connection.local)
    first, second = (mine, theirs) if made.ours else (theirs, mine)
    payload = b"".join(data[p.at : p.at + p.size] for p in made.pieces if p.at is not None)
    options = _MSS if made.flags & _SYN else b""
    ack = second + 1 + made.ack if made.flags & _ACK else 0
    offset = (20 + len(options)) // 4 << 4
    numbers = (first + 1 + made.seq) & 0xFFFFFFFF, ack & 0xFFFFFFFF
    tcp = struct.pack(">HHIIBBHHH", ends[0][1], ends[1][1], *numbers, offset, made.flags, _WINDOW, 0, 0)
    head = _ip(ends[0][0], ends[1][0], len(tcp) + len(options) + made.size) + tcp + options
    return TracedSegment(max(time, 0), head + payload, len(head) + made.size)


def _ip(source: bytes, target: bytes, size: int) -> bytes:
    if len(source) == len(target) == 4:
        return struct.pack(">BBHHHBBH", 0x45, 0, 20 + size, 0, 0x4000, 0, 6, 0) + source + target
    return struct.pack(">IHBB", 6 << 28, size, 6, 0) + source.rjust(16, b"\0") + target.rjust(16, b"\0")
