"""One direction of a stream: frames in any order in, bytes in order and gaps out.

Theory of operation. ``next`` is the offset of the first byte not yet delivered. A frame's bytes are all
old (they end at or before ``next``: sent again), or reach the next one (what is new of them is delivered),
or come early, and wait. Whoever lost a packet sends its bytes again in another, so a hole says nothing by
itself: it is given up only when too much waits behind it or the connection is over, and then it is a
``Gap``. Where copies of the same bytes differ, the first delivered one counts.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right, insort

from plainwire.model import Gap, Side, Text

MOST_WAITING = 16 << 20
"""Bytes of memory that early frames of one connection take before holes are given up."""

MOST_PACKETS_WAITING = 64 << 20
"""Bytes of packets that all connections together hold until their keys are known."""

MOST_STREAMS = 1 << 17
"""How many directions of streams all connections together may have open at a time."""

MOST_EVENTS = 1 << 18
"""How many events all connections that are open may keep together."""

_COST = 200
"""Bytes of memory that holding a frame takes beside its content."""

LARGEST = 1 << 62
"""No offset reaches it (RFC 9000 section 4.5)."""


class StreamPositions:
    """The way back from offsets of one direction of a stream to packets."""

    __slots__ = ("_number", "_offset", "_time")

    def __init__(self) -> None:
        self._offset, self._number, self._time = array("q"), array("q"), array("q")

    def add(self, offset: int, number: int, time_ns: int) -> None:
        """Say which packet brought the bytes from ``offset`` on; offsets never fall."""
        self._offset.append(offset)
        self._number.append(number)
        self._time.append(time_ns)

    def locate(self, offsets: list[int]) -> tuple[list[int], list[int]]:
        """Packet numbers and times (ns) of the packets that brought the bytes at ``offsets``."""
        if not self._offset:
            return [0] * len(offsets), [0] * len(offsets)
        rows = [max(bisect_right(self._offset, offset) - 1, 0) for offset in offsets]
        return [self._number[row] for row in rows], [self._time[row] for row in rows]

    def begins(self, offset: int) -> bool:
        """Whether a frame's bytes begin at the offset."""
        row = bisect_right(self._offset, offset) - 1
        return row >= 0 and self._offset[row] == offset

    def forget(self, before: int) -> None:
        """Drop what is only needed for offsets below ``before``."""
        row = bisect_right(self._offset, before) - 1
        if row > 0:
            for column in (self._offset, self._number, self._time):
                del column[:row]


class Room:
    """How much may still be taken of something: memory by the early frames of a connection's streams, say."""

    __slots__ = ("left",)

    def __init__(self, left: int = MOST_WAITING) -> None:
        self.left = left


class Share:
    """One connection's part of a room of things of one size: as much as it leaves to the others."""

    __slots__ = ("_room", "taken")

    def __init__(self, room: Room) -> None:
        self._room = room
        self.taken = 0

    def take(self) -> bool:
        """Take room for one more; False where there is none."""
        if self.taken >= self._room.left:
            return False
        self.taken += 1
        self._room.left -= 1
        return True

    def give_back(self, count: int = 1) -> None:
        """So many are not there any more."""
        self.taken -= count
        self._room.left += count


class Rooms:
    """What all connections of a capture share: ``packets`` that wait for their keys (bytes), directions of
    ``streams`` that are open, ``events`` that are kept of connections that are open.
    """

    __slots__ = ("events", "packets", "streams")

    def __init__(self) -> None:
        self.packets = Room(MOST_PACKETS_WAITING)
        self.streams = Room(MOST_STREAMS)
        self.events = Room(MOST_EVENTS)


_Early = tuple[int, int, bytes, int, int]  # offset, arrival, content, packet, time


class Reassembly:
    """See the module's essay. ``texts`` is the outbox; whoever reads it replaces it."""

    __slots__ = ("_arrivals", "_early", "_room", "final", "next", "repeated", "side", "texts", "where")

    def __init__(self, side: Side, room: Room) -> None:
        self.side = side
        self.next = 0
        self.final: int | None = None
        """The size of the whole, once it is known."""
        self.texts: list[Text | Gap] = []
        self.where = StreamPositions()
        self.repeated = 0  # frames that brought nothing new
        self._early: list[_Early] = []
        self._arrivals = 0
        self._room = room

    @property
    def complete(self) -> bool:
        """Whether all was delivered up to the end."""
        return self.final is not None and self.next >= self.final

    def feed(self, offset: int, data: bytes, packet: int, time_ns: int, *, fin: bool = False) -> None:
        """Take one frame's bytes."""
        end = offset + len(data)
        if end >= LARGEST:
            return
        if fin and self.final is None and end >= self.next:
            self.final = end
        if self.final is not None and end > self.final:
            data = data[: max(self.final - offset, 0)]
            end = offset + len(data)
        if end <= self.next:
            self.repeated += bool(data)
        elif offset <= self.next:  # the usual case: nothing is missing before it
            self._deliver(data[self.next - offset :], packet, time_ns)
            if self._early:
                self._settle()
        else:
            self._wait(offset, data, packet, time_ns)

    def _deliver(self, data: bytes, packet: int, time_ns: int) -> None:
        self.where.add(self.next, packet, time_ns)
        end = self.next + len(data)
        self.texts.append((data, self.next, end))
        self.next = end

    def _wait(self, offset: int, data: bytes, packet: int, time_ns: int) -> None:
        self._arrivals += 1
        insort(self._early, (offset, self._arrivals, data, packet, time_ns))
        self._room.left -= len(data) + _COST
        while self._early and self._room.left < 0:
            self._skip()

    def _settle(self) -> None:
        """Deliver what no longer waits for anything."""
        count = 0
        for offset, _, data, packet, time_ns in self._early:
            if offset > self.next:
                break
            count += 1
            self._room.left += len(data) + _COST
            end = offset + len(data) if self.final is None else min(offset + len(data), self.final)
            if end > self.next:
                self._deliver(data[self.next - offset : end - offset], packet, time_ns)
            else:
                self.repeated += 1
        del self._early[:count]

    def _skip(self) -> None:
        """Give up the first hole."""
        offset, _, _, packet, time_ns = self._early[0]
        self._gap(offset, packet, time_ns)
        self._settle()

    def _gap(self, offset: int, packet: int, time_ns: int) -> None:
        self.where.add(self.next, packet, time_ns)
        self.texts.append(Gap(self.side, self.next, offset - self.next, packet))
        self.next = offset

    def finish(self, packet: int, time_ns: int) -> None:
        """No more frames will come: give up all holes, also one before the end that was announced."""
        while self._early:
            self._skip()
        if self.final is not None and self.next < self.final:
            self._gap(self.final, packet, time_ns)

    def drop(self) -> None:
        """Let go of what waits: the stream was reset."""
        self._room.left += sum(len(data) + _COST for _, _, data, _, _ in self._early)
        self._early.clear()
