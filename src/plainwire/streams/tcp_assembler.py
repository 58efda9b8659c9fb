"""TCP segments to connections: who talks with whom, and in which incarnation.

A connection is one incarnation of a pair of sockets: a SYN with another initial sequence number begins
a new one (RFC 9293 section 3.6.1 lets port pairs be used again). Work is done a group at a time: the
segments of one connection in one batch. What comes out does not depend on the batches. In which VLAN, or
on which interface, a packet was captured makes no difference.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from plainwire.arrays import np
from plainwire.streams.segment_columns import CLOCK, table
from plainwire.streams.tcp_connection import TcpConnection

if TYPE_CHECKING:
    from plainwire.model import Int64s, SegmentBatch

__all__ = ["Assembler", "TcpConnection"]


class Assembler:
    """Sorts segments into connections. ``opened`` counts them; ids are 1, 2, ... in order of first packet."""

    def __init__(self) -> None:
        self.opened = 0
        self._open: dict[int, TcpConnection] = {}
        self._clock_ns = 0

    def feed(self, batch: SegmentBatch) -> tuple[list[TcpConnection], list[TcpConnection]]:
        """Take one batch. Returns the connections that got something, and those that are over.

        One that is over may be in both lists, and is finished by whoever receives it. The first segments
        of a connection are held back where they do not say who is the client; it is in the first list
        nevertheless.
        """
        if not len(batch.number):
            return [], []
        columns = table(batch, self._clock_ns)
        self._clock_ns = int(columns[CLOCK, -1])
        touched: list[TcpConnection] = []
        over: list[TcpConnection] = []
        left = [(int(rows[0]), pair, rows) for pair, rows in _groups(batch)]
        heapify(left)
        while left:
            first, pair, rows = heappop(left)
            connection = self._open.get(pair)
            taken = 0 if connection is None else connection.take(batch.data, columns, rows, batch.options)
            if connection is not None and taken:
                touched.append(connection)
            elif connection is not None:
                over.append(self._open.pop(pair))
            else:
                self._open_one(pair, batch, columns[:, first].tolist(), int(batch.target[first]))
            if taken < len(rows):
                heappush(left, (int(rows[taken]), pair, rows[taken:]))
        over.extend(self._sweep())
        return touched, over

    def close(self) -> list[TcpConnection]:
        """The capture is over: all that is still open."""
        left = list(self._open.values())
        self._open.clear()
        return left

    def _open_one(self, pair: int, batch: SegmentBatch, first: list[int], target: int) -> None:
        self.opened += 1
        self._open[pair] = TcpConnection(self.opened, first, target, batch.endpoints)

    def _sweep(self) -> list[TcpConnection]:
        """Let go of connections that closed a while ago."""
        gone = [pair for pair, connection in self._open.items() if connection.is_over(self._clock_ns)]
        return [self._open.pop(pair) for pair in gone]


def _groups(batch: SegmentBatch) -> list[tuple[int, Int64s]]:
    """The rows of each pair of endpoints, in file order."""
    low, high = np.minimum(batch.source, batch.target), np.maximum(batch.source, batch.target)
    pairs = (low << 32) | high
    order = np.argsort(pairs, kind="stable")
    ordered = pairs[order]
    cuts = np.flatnonzero(np.diff(ordered)) + 1
    return [(int(pairs[rows[0]]), rows) for rows in np.split(order, cuts)]
