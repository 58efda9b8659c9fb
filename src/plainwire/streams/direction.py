"""One direction of a TCP connection: segments in any order in, bytes in order and gaps out.

Theory of operation. Sequence numbers become offsets of 64 bits (see ``model``), so that nothing below
knows of wrap-around. ``next`` is the offset of the first byte not yet delivered. A segment is one of

* all old (ends at or before ``next``): sent again;
* the next one (begins at or before ``next``): its new part is delivered, the rest of it is old;
* early (begins behind ``next``): it waits. The hole before it is filled by a later segment, or is
  given up, which makes a ``Gap``: the bytes were sent, and the capture does not hold them.

A hole is given up when the receiver has acknowledged bytes behind it and the capture has gone on for
``PATIENCE_NS`` without them, when too much waits, or when the connection ends. Where copies of the
same bytes differ, the first delivered one counts, as it does for most receivers; the packet that
differs is noted, as far back as ``_LOOK_BACK`` bytes. Urgent data stay where they were sent.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING

from plainwire.arrays import distinct, np
from plainwire.model import Gap, Side
from plainwire.streams.positions import Positions

if TYPE_CHECKING:
    from plainwire._kernel import Flown
    from plainwire.model import Int64s

PATIENCE_NS = 1_000_000_000
MOST_WAITING = 16 << 20
"""Bytes of memory that early segments of one direction take before it gives up the hole."""

_COST = 256
"""Bytes of memory that holding a segment takes beside its payload."""

FARTHEST = 1 << 30
"""No honest segment or acknowledgment lies farther ahead (the largest window, RFC 7323 section 2.3)."""

_LOOK_BACK = 1024
_MOST_CONFLICTS = 16

Piece = tuple[int, bytes] | Gap
"""Delivered bytes with the offset of the first, or a gap."""

_Early = tuple[int, int, bytes, int, int, int, int]
"""Offset, arrival, captured bytes, length, packet, time, acknowledgment number."""


class Direction:
    """See the module's essay. ``pieces`` is the outbox; whoever reads it empties it."""

    __slots__ = (
        "_arrivals",
        "_early",
        "_last",
        "_waiting",
        "acked",
        "acked_number",
        "assumed",
        "base",
        "conflicting",
        "fin",
        "last_step",
        "next",
        "pieces",
        "positions",
        "retransmissions",
        "side",
        "snapped",
        "unseen_fin",
    )

    def __init__(self, side: Side) -> None:
        self.side = side
        self.base: int | None = None  # the sequence number of offset 0
        self.assumed = True  # the base is only what the other side's acknowledgments let assume
        self.next = 0
        self.acked = 0  # the highest offset that the other side acknowledged
        self.acked_number: int | None = None  # the other side's latest acknowledgment, as sent
        self.last_step = 0  # by how much it rose the last time
        self.unseen_fin = False  # it was acknowledged, and is not in the capture
        self.fin: int | None = None
        self.pieces: list[Piece] = []
        self.positions = Positions()
        self.retransmissions = 0
        self.snapped = False
        self.conflicting: list[int] = []  # packets that hold other bytes than those delivered before
        self._early: list[_Early] = []
        self._waiting = 0
        self._arrivals = 0
        self._last = b""  # the bytes before ``next``

    @property
    def waits(self) -> bool:
        """Whether there is a hole with something behind it."""
        return bool(self._early)

    @property
    def goes_on(self) -> bool:
        """Whether it is known where it stands, without a hole, and not over."""
        return self.base is not None and self.fin is None and not self._early

    def offset(self, seq: int) -> int:
        """The offset of a sequence number: the one nearest to ``next`` (RFC 9293 section 3.4).

        0 where nothing has told yet what offset 0 is.
        """
        if self.base is None:
            return 0
        return ((seq - (self.base + self.next) + 0x80000000) & 0xFFFFFFFF) - 0x80000000 + self.next

    def offsets(self, seq: Int64s) -> Int64s:
        """The same for many."""
        if self.base is None:
            return np.zeros_like(seq)
        return ((seq - (self.base + self.next) + 0x80000000) & 0xFFFFFFFF) - 0x80000000 + self.next

    def begin(self, base: int) -> None:
        """Offset 0 has this sequence number. Only while nothing was delivered: what waits is forgotten."""
        self.assume(base)
        self.assumed = False
        self.acked, self.last_step, self.fin = 0, 0, None
        self._early.clear()
        self._waiting = 0

    def begin_with(self, flown: Flown) -> None:
        """Begin, and take what the kernel has put together of the first segments."""
        base, whole, packets, self.next, acked, self.acked_number, last_step, fin = flown
        self.begin(base)
        self.acked, self.last_step, self.fin = acked, last_step, fin
        self.positions.begin(packets)
        if whole:
            self.pieces.append((0, whole))
            self._last = whole[-_LOOK_BACK:]

    def assume(self, base: int) -> None:
        """The same as far as the other side's acknowledgments tell."""
        self.base = self.positions.origin = base & 0xFFFFFFFF

    def ends_at(self, offset: int) -> bool:
        """Take a FIN; False where it is junk from outside the window. The first one counts."""
        if not self.next - FARTHEST < offset < self._farthest() + FARTHEST:
            return False
        self.fin = offset if self.fin is None else self.fin
        return True

    def _farthest(self) -> int:
        """Where the last segment that was taken begins, or the delivered bytes end."""
        return max(self.next, self._early[-1][0]) if self._early else self.next

    def acknowledge(self, offset: int) -> bool:
        """The other side says that it has all before ``offset``; False where that is old or junk."""
        if not self.acked <= offset < self.next + FARTHEST:
            return False
        if offset > self.acked:
            self.last_step, self.acked = offset - self.acked, offset
        return True

    def acknowledge_all(self, offsets: Int64s) -> bool:
        """The same for many, none of them junk; whether any was not old."""
        highest = int(offsets.max())
        if highest > self.acked:
            if highest > self.next:  # only then is the last step of use
                rising = distinct(np.maximum.accumulate(np.append(self.acked, offsets)))
                self.last_step = int(rising[-1] - rising[-2])
            self.acked = highest
        return highest >= self.acked

    def rejoin(self, seq: int, number: int) -> None:
        """Go on at this sequence number, as both sides do, where more was lost than any window holds.

        The segment in packet ``number`` begins where the other side's latest acknowledgment says.
        """
        if self.base is None or abs(self.offset(seq) - self.next) < FARTHEST or seq != self.acked_number:
            return
        while self._early:
            self._give_up()
        self._skip(self.next, (seq - self.base - self.next) & 0xFFFFFFFF, number)

    def holds(self, seq: int, length: int) -> bool:
        """Whether these bytes came before: they are delivered, or wait as a segment of their own."""
        if seq + length <= self.next:
            return True
        at = bisect_left(self._early, (seq,))
        return at < len(self._early) and self._early[at][0] == seq and self._early[at][3] >= length

    def extend(self, data: bytes, seq: Int64s, at: Int64s, length: Int64s) -> None:
        """Take segments that are all there and all in order, when nothing waits: the common case.

        ``seq`` as offsets, ``at`` into ``data``. The caller adds their positions.
        """
        starts = at.tolist()
        parts = [data[a:b] for a, b in zip(starts, (at + length).tolist(), strict=True)]
        whole = parts[0] if len(parts) == 1 else b"".join(parts)
        self.pieces.append((self.next, whole))
        self._last = whole[-_LOOK_BACK:] if len(whole) >= _LOOK_BACK else (self._last + whole)[-_LOOK_BACK:]
        self.next = int(seq[-1] + length[-1])

    def append(self, data: bytes, number: int, time_ns: int, acked: int) -> None:
        """Take a segment that is all there and begins at ``next``, when nothing waits."""
        at = self.next
        self.positions.add(at, number, time_ns, acked)
        self.pieces.append((at, data))
        self._last = data[-_LOOK_BACK:] if len(data) >= _LOOK_BACK else (self._last + data)[-_LOOK_BACK:]
        self.next = at + len(data)

    def add(self, data: bytes, seq: int, length: int, number: int, time_ns: int, acked: int = -1) -> None:
        """Take one segment: its captured payload, its offset, its length on the wire, its acknowledgment."""
        if seq + length <= self.next:
            if not (length == 1 and seq == self.next - 1):  # a keep-alive probe, RFC 9293 section 3.8.4
                self.retransmissions += 1
                self._compare(seq, data, number)
        elif seq <= self.next:
            self._deliver(seq, data, length, number, time_ns, acked)
            if self._early:
                self._drain()
        elif seq - self._farthest() < FARTHEST:
            self._arrivals += 1
            insort(self._early, (seq, self._arrivals, data, length, number, time_ns, acked))
            self._waiting += len(data) + _COST
            while self._waiting > MOST_WAITING:
                self._give_up()

    def _compare(self, seq: int, data: bytes, number: int) -> None:
        """Note a packet whose bytes are not those that were delivered for the same offsets."""
        oldest = self.next - len(self._last)
        start, end = max(seq, oldest), min(seq + len(data), self.next)
        if start >= end or len(self.conflicting) >= _MOST_CONFLICTS:
            return
        if data[start - seq : end - seq] != self._last[start - oldest : end - oldest]:
            self.conflicting.append(number)

    def _deliver(self, seq: int, data: bytes, length: int, number: int, time_ns: int, acked: int) -> None:
        """Deliver what is new of a segment that begins at or before ``next`` and ends behind it."""
        if seq < self.next:
            self._compare(seq, data, number)
            fresh = data[self.next - seq :]
        else:
            fresh = data
        self.positions.add(self.next, number, time_ns, acked)
        if fresh:
            self.pieces.append((self.next, fresh))
            self._last = (self._last + fresh)[-_LOOK_BACK:]
        end = seq + length
        missing = length - len(data) if fresh else end - self.next
        if missing:  # cut by the snap length
            self.snapped = True
            self._skip(end - missing, missing, number)
        self.next = end

    def _skip(self, offset: int, length: int, number: int) -> None:
        self.pieces.append(Gap(self.side, offset, length, number))
        self.next = offset + length
        self._last = b""

    def _drain(self) -> None:
        """Deliver what waited for the bytes that have just come."""
        done = 0
        for seq, _, data, length, number, time_ns, acked in self._early:
            if seq > self.next:
                break
            done += 1
            self._waiting -= len(data) + _COST
            if seq + length > self.next:
                self._deliver(seq, data, length, number, time_ns, acked)
            else:
                self.retransmissions += 1
                self._compare(seq, data, number)
        del self._early[:done]

    def _give_up(self) -> None:
        """Skip the first hole."""
        seq, number = self._early[0][0], self._early[0][4]
        self._skip(self.next, seq - self.next, number)
        self._drain()

    def settle(self, now_ns: int) -> None:
        """Give up holes that the receiver has acknowledged and that nothing has filled for a while."""
        while self._early and self.acked >= self._early[0][0] and now_ns - self._early[0][5] > PATIENCE_NS:
            self._give_up()

    def finish(self, packet: int, *, closing: bool) -> None:
        """The connection is over: no hole will be filled any more.

        ``closing``: the receiver has closed its own side. Then the last number that it acknowledged, if it
        did so alone or all before it was seen, is that of a FIN (RFC 9293 section 3.4) which the capture
        lost, and no byte.
        """
        while self._early:
            self._give_up()
        end = self.acked if self.fin is None else self.fin
        if self.fin is None and closing and end > self.next and 1 in (self.last_step, end - self.next):
            end -= 1
            self.unseen_fin = True
        if end > self.next:  # acknowledged, or sent before the FIN, yet never seen
            self._skip(self.next, end - self.next, packet)
