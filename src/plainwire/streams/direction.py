"""One direction of a TCP connection: segments in any order in, bytes in order and gaps out.

Theory of operation. Sequence numbers become offsets of 64 bits (see ``model``), so that nothing below
knows of wrap-around. ``next`` is the offset of the first byte not yet delivered. A segment is one of

* all old (ends at or before ``next``): a retransmission, or the same packet captured twice;
* the next one (begins at or before ``next``): its new part is delivered, the rest of it is old;
* early (begins behind ``next``): it waits. The hole before it is filled by a later segment, or is
  given up, which makes a ``Gap``: the bytes were sent, and the capture does not hold them.

A hole is given up when the receiver has acknowledged bytes behind it and the capture has gone on for
``PATIENCE_NS`` without them, when too much waits, or when the connection ends. Where copies of the
same bytes differ, the first delivered one counts, as it does for most receivers.
"""

from __future__ import annotations

from bisect import insort
from typing import TYPE_CHECKING

import numpy as np

from plainwire.model import Gap, Side

if TYPE_CHECKING:
    from plainwire.model import Int64s

PATIENCE_NS = 1_000_000_000
MOST_WAITING = 16 << 20
"""Bytes of memory that early segments of one direction take before it gives up the hole."""

_COST = 256
"""Bytes of memory that holding a segment takes beside its payload."""

FARTHEST = 1 << 30
"""No honest segment or acknowledgment lies farther ahead (the largest window, RFC 7323 section 2.3)."""

Piece = tuple[int, bytes] | Gap
"""Delivered bytes with the offset of the first, or a gap."""

_Early = tuple[int, int, bytes, int, int, int]  # offset, arrival, captured bytes, length, packet, time


class Positions:
    """The way back from stream offsets to packets: where each packet's bytes begin."""

    __slots__ = ("_number", "_offset", "_time")

    def __init__(self) -> None:
        self._offset = self._number = self._time = np.empty(0, dtype=np.int64)

    def extend(self, offset: Int64s, number: Int64s, time_ns: Int64s) -> None:
        """Add packets; offsets never fall."""
        if len(self._offset):
            offset = np.concatenate((self._offset, offset))
            number = np.concatenate((self._number, number))
            time_ns = np.concatenate((self._time, time_ns))
        self._offset, self._number, self._time = offset, number, time_ns

    def locate(self, offsets: list[int]) -> tuple[list[int], list[int]]:
        """Packet numbers and times of the packets that brought the bytes at ``offsets``."""
        if not len(self._offset):
            return [0] * len(offsets), [0] * len(offsets)
        at = np.searchsorted(self._offset, np.array(offsets, dtype=np.int64), side="right") - 1
        np.maximum(at, 0, out=at)
        return self._number[at].tolist(), self._time[at].tolist()

    def begins(self, offset: int) -> bool:
        """Whether a packet's bytes begin at the offset."""
        at = int(np.searchsorted(self._offset, offset))
        return at < len(self._offset) and int(self._offset[at]) == offset

    def forget(self, before: int) -> None:
        """Drop what is only needed for offsets below ``before``."""
        keep = int(np.searchsorted(self._offset, before, side="right")) - 1
        if keep > 0:
            self._offset, self._number, self._time = (
                column[keep:].copy() for column in (self._offset, self._number, self._time)
            )


class Direction:
    """See the module's essay. ``pieces`` is the outbox; whoever reads it empties it."""

    __slots__ = (
        "_arrivals",
        "_early",
        "_waiting",
        "acked",
        "base",
        "fin",
        "next",
        "pieces",
        "positions",
        "retransmissions",
        "side",
        "snapped",
    )

    def __init__(self, side: Side) -> None:
        self.side = side
        self.base: int | None = None  # the sequence number of offset 0
        self.next = 0
        self.acked = 0  # the highest offset that the other side acknowledged
        self.fin: int | None = None
        self.pieces: list[Piece] = []
        self.positions = Positions()
        self.retransmissions = 0
        self.snapped = False
        self._early: list[_Early] = []
        self._waiting = 0
        self._arrivals = 0

    def offsets(self, seq: Int64s) -> Int64s:
        """Offsets of sequence numbers: the ones nearest to ``next`` (RFC 9293 section 3.4).

        All 0 where nothing has told yet what offset 0 is.
        """
        if self.base is None:
            return np.zeros_like(seq)
        return ((seq - (self.base + self.next) + 0x80000000) & 0xFFFFFFFF) - 0x80000000 + self.next

    def begin(self, base: int) -> None:
        """Offset 0 has this sequence number. Only while nothing was delivered: what waits is forgotten."""
        self.base, self.acked, self.fin = base & 0xFFFFFFFF, 0, None
        self._early.clear()
        self._waiting = 0

    def ends_at(self, offset: int) -> bool:
        """Take a FIN; False where it is junk from outside the window. The first one counts."""
        seen = max(self.next, self._early[-1][0] if self._early else 0)
        if not self.next - FARTHEST < offset < seen + FARTHEST:
            return False
        self.fin = offset if self.fin is None else self.fin
        return True

    def feed(
        self,
        data: bytes,
        seq: Int64s,
        at: Int64s,
        captured: Int64s,
        length: Int64s,
        number: Int64s,
        time_ns: Int64s,
    ) -> None:
        """Take the segments with payload, in capture order. ``seq`` as offsets, ``at`` into ``data``."""
        if not self._early and seq[0] == self.next and (captured == length).all():
            ends = seq + length
            if (seq[1:] == ends[:-1]).all():  # the common case: all there, all in order
                starts = at.tolist()
                parts = [data[a:b] for a, b in zip(starts, (at + length).tolist(), strict=True)]
                self.pieces.append((self.next, parts[0] if len(parts) == 1 else b"".join(parts)))
                self.positions.extend(seq, number, time_ns)
                self.next = int(ends[-1])
                return
        self._feed_each(
            data, zip(*(c.tolist() for c in (seq, at, captured, length, number, time_ns)), strict=True)
        )

    def _feed_each(self, data: bytes, rows) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
        placed: list[tuple[int, int, int]] = []
        for seq, at, captured, length, number, time_ns in rows:
            if seq + length <= self.next:
                if not (length == 1 and seq == self.next - 1):  # a keep-alive probe, RFC 9293 section 3.8.4
                    self.retransmissions += 1
            elif seq <= self.next:
                self._deliver(seq, data[at : at + captured], length, number, time_ns, placed)
                self._drain(placed)
            elif seq - self.next < FARTHEST:
                self._arrivals += 1
                insort(self._early, (seq, self._arrivals, data[at : at + captured], length, number, time_ns))
                self._waiting += captured + _COST
                while self._waiting > MOST_WAITING:
                    self._give_up(placed)
        self._place(placed)

    def _place(self, placed: list[tuple[int, int, int]]) -> None:
        if placed:
            columns = np.array(placed, dtype=np.int64)
            self.positions.extend(columns[:, 0], columns[:, 1], columns[:, 2])

    def _deliver(
        self,
        seq: int,
        data: bytes,
        length: int,
        number: int,
        time_ns: int,
        placed: list[tuple[int, int, int]],
    ) -> None:
        """Deliver what is new of a segment that begins at or before ``next`` and ends behind it."""
        fresh = data[self.next - seq :]
        placed.append((self.next, number, time_ns))
        if fresh:
            self.pieces.append((self.next, fresh))
        end = seq + length
        missing = length - len(data) if fresh else end - self.next
        if missing:  # cut by the snap length
            self.snapped = True
            self.pieces.append(Gap(self.side, end - missing, missing, number))
        self.next = end

    def _drain(self, placed: list[tuple[int, int, int]]) -> None:
        """Deliver what waited for the bytes that have just come."""
        while self._early and self._early[0][0] <= self.next:
            seq, _, data, length, number, time_ns = self._early.pop(0)
            self._waiting -= len(data) + _COST
            if seq + length > self.next:
                self._deliver(seq, data, length, number, time_ns, placed)
            else:
                self.retransmissions += 1

    def _give_up(self, placed: list[tuple[int, int, int]]) -> None:
        """Skip the first hole."""
        seq, number = self._early[0][0], self._early[0][4]
        self.pieces.append(Gap(self.side, self.next, seq - self.next, number))
        self.next = seq
        self._drain(placed)

    def settle(self, now_ns: int) -> None:
        """Give up holes that the receiver has acknowledged and that nothing has filled for a while."""
        placed: list[tuple[int, int, int]] = []
        while self._early and self.acked >= self._early[0][0] and now_ns - self._early[0][5] > PATIENCE_NS:
            self._give_up(placed)
        self._place(placed)

    def finish(self, packet: int) -> None:
        """The connection is over: no hole will be filled any more."""
        placed: list[tuple[int, int, int]] = []
        while self._early:
            self._give_up(placed)
        self._place(placed)
        end = self.acked if self.fin is None else self.fin
        if end > self.next:  # acknowledged, or sent before the FIN, yet never seen
            self.pieces.append(Gap(self.side, self.next, end - self.next, packet))
            self.next = end
