"""TCP segments to connections: who talks with whom, and in which incarnation.

A connection is one incarnation of a pair of sockets: a SYN with another initial sequence number begins
a new one (RFC 9293 section 3.6.1 lets port pairs be used again). Work is done a group at a time: the
segments of one connection in one batch. What comes out does not depend on the batches. In which VLAN, or
on which interface, a packet was captured makes no difference.

A flood must not take memory for every packet of it. So a SYN that has no company yet is only noted
(``LoneSyns``); of connections that are open at a time, those beyond ``MOST_OPEN`` are given up, the least
promising ones first; and of attempts that came to nothing, only so many become connections
(``FailedAttempts``).
"""

from __future__ import annotations

from collections import OrderedDict
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, NamedTuple, Protocol

from plainwire import kernel
from plainwire.arrays import np
from plainwire.streams.attempts import FailedAttempts
from plainwire.streams.lone_syns import LoneSyns, lone_syns
from plainwire.streams.segment_columns import CLOCK, table
from plainwire.streams.tcp_connection import TcpConnection
from plainwire.streams.whole_connection import MOST_HELD, WholeConnection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire._kernel import SegmentTable, WholeBatch
    from plainwire.model import Endpoint, Int64s, SegmentBatch

__all__ = ["Assembler", "TcpConnection"]

ALL = (0, 1)
"""The only one of one share."""

_FIRST = np.zeros(1, dtype=np.int64)

MOST_OPEN = 16_384
"""Connections at a time, beside lone SYNs."""


class _Group(NamedTuple):
    """Segments of a pair of endpoints, in file order. ``whole``: under which number they were read, or -1."""

    first: int
    pair: int
    rows: Int64s
    whole: int


class _Found(NamedTuple):
    """A batch, as a table; and what the kernel has of it."""

    batch: SegmentBatch
    columns: Int64s
    segments: SegmentTable | None
    read: WholeBatch | None


class ReadsWhole(Protocol):
    """What reads connections that are all in one batch, and plain."""

    def read(self, table: SegmentTable, rows: Int64s, begins: Int64s) -> WholeBatch:
        """Read groups of segments: their columns, one group behind the other, and where each begins."""

    def take(
        self, read: WholeBatch, number: int, identity: int, batch: SegmentBatch
    ) -> WholeConnection | None:
        """One of those that were read; None where it turns out not to be plain."""


class Assembler:
    """Sorts segments into connections. ``opened`` counts them; ids are 1, 2, ... in order of first packet.

    ``given_up`` counts those that were followed no further because too many were open, ``most_open`` is how
    many there were at a time. ``share``: only one of so many equal shares is followed. ``whole`` reads
    connections at once where it can.
    """

    def __init__(self, share: tuple[int, int] = ALL, whole: ReadsWhole | None = None) -> None:
        self.most_open = 0
        self.opened = 0
        self.given_up = 0
        self.attempts = FailedAttempts()
        self._open: OrderedDict[int, TcpConnection] = OrderedDict()  # the one that got something last is last
        self._lone = LoneSyns()
        self._endpoints: Sequence[Endpoint] = ()
        self._share = share
        self._whole = whole
        self._held = 0  # bytes, of those that were read at once; too many until the batch is over
        self._clock_ns = 0

    @property
    def most_noted(self) -> int:
        """How many SYNs without company there were at a time."""
        return self._lone.most

    def feed(self, batch: SegmentBatch) -> tuple[list[TcpConnection], list[TcpConnection]]:
        """Take one batch. Returns the connections that got something, and those that are over.

        One that is over may be in both lists, and is finished by whoever receives it. The first segments
        of a connection are held back where they do not say who is the client; it is in the first list
        nevertheless, but not where a SYN is all that came. What came to nothing may be in neither.
        """
        if not len(batch.number):
            return [], []
        columns = table(batch, self._clock_ns)
        self._clock_ns = int(columns[CLOCK, -1])
        self._endpoints = batch.endpoints
        touched: dict[int, TcpConnection] = {}
        over: list[TcpConnection] = []
        segments = kernel.compiled.SegmentTable(batch.data, columns) if kernel.compiled is not None else None
        left, read = self._groups(batch, segments)
        found = _Found(batch, columns, segments, read)
        heapify(left)
        single = lone_syns(batch)
        while left:
            group = heappop(left)
            first, pair, rows, number = group
            connection, taken = self._open.get(pair), 0
            if connection is None:
                if len(rows) == 1 and single[first] and pair not in self._lone:
                    over += self._note(pair, columns[:, first], batch, first)
                    continue
                connection, taken = self._begin(group, found)
                self._open[pair] = connection
            if taken < len(rows):
                taken += connection.take(batch.data, columns, rows[taken:] if taken else rows, batch.options)
            if taken:
                touched[connection.facts.id] = connection
                self._open.move_to_end(pair)
            else:
                over += self._ended(self._open.pop(pair))
            if taken < len(rows):
                rest = rows[taken:]
                heappush(left, _Group(int(rest[0]), pair, rest, -1 if taken else number))
            if len(self._open) > MOST_OPEN:
                over += self._thin_out()
        self.most_open = max(self.most_open, len(self._open))
        over += self._sweep()
        return list(touched.values()), over

    def _groups(
        self, batch: SegmentBatch, segments: SegmentTable | None
    ) -> tuple[list[_Group], WholeBatch | None]:
        """The segments of each pair of endpoints, of the pairs of one share; and what was read of them.

        Endpoints are numbered as they come: the higher number is mostly that of a client's new socket.
        """
        low, high = np.minimum(batch.source, batch.target), np.maximum(batch.source, batch.target)
        pairs = (low << 32) | high
        index, of = self._share
        if of > 1:
            ours = np.flatnonzero(high % of == index)
            order = ours[np.argsort(pairs[ours], kind="stable")]
        else:
            order = np.argsort(pairs, kind="stable")
        if not len(order):
            return [], None
        ordered = pairs[order]
        begins = np.concatenate((_FIRST, np.flatnonzero(np.diff(ordered)) + 1))
        read, numbers = None, [-1] * len(begins)
        if segments is not None and self._whole is not None:
            read = self._whole.read(segments, order, begins)
            numbers = read.numbers()
        ends = [*begins[1:].tolist(), len(order)]
        rows = [order[begin:end] for begin, end in zip(begins.tolist(), ends, strict=True)]
        firsts, known = order[begins].tolist(), ordered[begins].tolist()
        return list(map(_Group, firsts, known, rows, numbers)), read

    def close(self) -> list[TcpConnection]:
        """The capture is over: all that is still open, in the order in which it began."""
        left: list[TcpConnection] = []
        while len(self._lone):
            left += self._oldest_lone(self._endpoints)
        for connection in self._open.values():
            left += self._ended(connection)
        self._open.clear()
        return sorted(left, key=lambda connection: connection.facts.id)

    def _begin(self, group: _Group, found: _Found) -> tuple[TcpConnection, int]:
        """A connection that begins with these segments, or whose SYN was noted before; and how many of them
        it has taken.
        """
        first, pair, rows, number = group
        batch, segments = found.batch, found.segments
        lone = self._lone.pop(pair)
        if lone is not None:
            return lone.connection(batch.endpoints), 0
        self.opened += 1
        if number >= 0 and self._held < MOST_HELD and self._whole is not None and found.read is not None:
            whole = self._whole.take(found.read, number, self.opened, batch)
            if whole is not None:
                self._held += whole.held
                return whole, len(rows)
        row, target = found.columns[:, first].tolist(), int(batch.target[first])
        connection = TcpConnection(self.opened, row, target, batch.endpoints)
        return connection, connection.begin(segments, rows, batch.options) if segments is not None else 0

    def _note(self, pair: int, row: Int64s, batch: SegmentBatch, first: int) -> list[TcpConnection]:
        """A SYN that nothing belongs to so far. Returns what is over, to make room for it."""
        self.opened += 1
        number = int(batch.number[first])
        self._lone.add(pair, self.opened, row, int(batch.target[first]), batch.options.get(number))
        return self._oldest_lone(batch.endpoints) if self._lone.full else []

    def _oldest_lone(self, endpoints: Sequence[Endpoint]) -> list[TcpConnection]:
        """The oldest SYN that nothing came of: its connection, if one more is to be told in full."""
        syn = self._lone.pop_first()
        return [syn.connection(endpoints)] if self.attempts.keep(syn.target, refused=False) else []

    def _ended(self, connection: TcpConnection) -> list[TcpConnection]:
        """The connection, unless it came to nothing and there are enough of those."""
        if connection.fruitless and not self.attempts.keep(connection.server, refused=connection.ended):
            return []
        return [connection]

    def _sweep(self) -> list[TcpConnection]:
        """Let go of connections that closed a while ago."""
        gone = [pair for pair, connection in self._open.items() if connection.is_over(self._clock_ns)]
        over = [connection for pair in gone for connection in self._ended(self._open.pop(pair))]
        self._held = sum(c.held for c in self._open.values() if isinstance(c, WholeConnection))
        return over

    def _thin_out(self) -> list[TcpConnection]:
        """Give up a quarter: of those that ended, then of those that came to nothing, the longest silent."""
        ranked = sorted(self._open.items(), key=lambda item: item[1].rank)
        gone: list[TcpConnection] = []
        for pair, connection in ranked[: MOST_OPEN // 4]:
            self.given_up += not connection.ended and not connection.fruitless
            gone += self._ended(self._open.pop(pair))
        return gone
