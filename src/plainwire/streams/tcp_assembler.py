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
from typing import TYPE_CHECKING

from plainwire import kernel
from plainwire.arrays import np
from plainwire.streams.attempts import FailedAttempts
from plainwire.streams.lone_syns import LoneSyns, lone_syns
from plainwire.streams.segment_columns import CLOCK, table
from plainwire.streams.tcp_connection import TcpConnection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.model import Endpoint, Int64s, SegmentBatch

__all__ = ["Assembler", "TcpConnection"]

ALL = (0, 1)
"""The only one of one share."""

MOST_OPEN = 16_384
"""Connections at a time, beside lone SYNs."""


class Assembler:
    """Sorts segments into connections. ``opened`` counts them; ids are 1, 2, ... in order of first packet.

    ``given_up`` counts those that were followed no further because too many were open, ``most_open`` is how
    many there were at a time. ``share``: only one of so many equal shares is followed.
    """

    def __init__(self, share: tuple[int, int] = ALL) -> None:
        self.most_open = 0
        self.opened = 0
        self.given_up = 0
        self.attempts = FailedAttempts()
        self._open: OrderedDict[int, TcpConnection] = OrderedDict()  # the one that got something last is last
        self._lone = LoneSyns()
        self._endpoints: Sequence[Endpoint] = ()
        self._share = share
        self._clock_ns = 0

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
        left = [(int(rows[0]), pair, rows) for pair, rows in _groups(batch, self._share)]
        heapify(left)
        single = lone_syns(batch)
        segments = kernel.compiled and kernel.compiled.SegmentTable(batch.data, columns)
        while left:
            first, pair, rows = heappop(left)
            connection = self._open.get(pair)
            if connection is None:
                if len(rows) == 1 and single[first] and pair not in self._lone:
                    over += self._note(pair, columns[:, first], batch, first)
                    continue
                begun = pair not in self._lone
                connection = self._open[pair] = self._begin(pair, batch, columns[:, first].tolist(), first)
                taken = connection.begin(segments, rows, batch.options) if begun and segments else 0
            else:
                taken = 0
            taken += connection.take(batch.data, columns, rows[taken:] if taken else rows, batch.options)
            if taken:
                touched[connection.facts.id] = connection
                self._open.move_to_end(pair)
            else:
                over += self._ended(self._open.pop(pair))
            if taken < len(rows):
                heappush(left, (int(rows[taken]), pair, rows[taken:]))
            if len(self._open) > MOST_OPEN:
                over += self._thin_out()
        self.most_open = max(self.most_open, len(self._open))
        over += self._sweep()
        return list(touched.values()), over

    def close(self) -> list[TcpConnection]:
        """The capture is over: all that is still open, in the order in which it began."""
        left: list[TcpConnection] = []
        while len(self._lone):
            left += self._oldest_lone(self._endpoints)
        for connection in self._open.values():
            left += self._ended(connection)
        self._open.clear()
        return sorted(left, key=lambda connection: connection.facts.id)

    def _begin(self, pair: int, batch: SegmentBatch, row: list[int], first: int) -> TcpConnection:
        """A connection whose first segment is in ``row``, or whose SYN was noted before."""
        lone = self._lone.pop(pair)
        if lone is not None:
            return lone.connection(batch.endpoints)
        self.opened += 1
        return TcpConnection(self.opened, row, int(batch.target[first]), batch.endpoints)

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
        return [connection for pair in gone for connection in self._ended(self._open.pop(pair))]

    def _thin_out(self) -> list[TcpConnection]:
        """Give up a quarter: of those that ended, then of those that came to nothing, the longest silent."""
        ranked = sorted(self._open.items(), key=lambda item: item[1].rank)
        gone: list[TcpConnection] = []
        for pair, connection in ranked[: MOST_OPEN // 4]:
            self.given_up += not connection.ended and not connection.fruitless
            gone += self._ended(self._open.pop(pair))
        return gone


def _groups(batch: SegmentBatch, share: tuple[int, int]) -> list[tuple[int, Int64s]]:
    """The rows of each pair of endpoints, in file order; of the pairs of one share.

    Endpoints are numbered as they come, so that the higher number is mostly that of a client's new socket.
    """
    low, high = np.minimum(batch.source, batch.target), np.maximum(batch.source, batch.target)
    pairs = (low << 32) | high
    index, of = share
    if of > 1:
        ours = np.flatnonzero(high % of == index)
        if not len(ours):
            return []
        order = ours[np.argsort(pairs[ours], kind="stable")]
    else:
        order = np.argsort(pairs, kind="stable")
    ordered = pairs[order]
    cuts = np.flatnonzero(np.diff(ordered)) + 1
    return [(int(pairs[rows[0]]), rows) for rows in np.split(order, cuts)]
