"""The first segments of a connection: they tell who is the client, and where the streams begin.

A SYN and its answer say so. Where they were not captured, or came out of order, the first segments are
held back until they do: until one carries the beginning of a request, of a response or of a hello, or
until there are ``_MOST_HELD`` of them. What is then said of the connection depends on its segments
alone, and not on how many of them came at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.model import ACK, FIN, PSH, RST, SYN
from plainwire.streams.direction import FARTHEST, PATIENCE_NS
from plainwire.streams.segment_columns import ACKNOWLEDGED, CLOCK, FLAGS, LENGTH, SEQ, SOURCE, Row
from plainwire.streams.speaker import is_client

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from plainwire.model import Endpoint

_MOST_HELD = 16
_MOST_HELD_BYTES = 1 << 17
_NEAR = 1 << 20
"""What is captured ahead of a SYN is no farther from it than this."""


class TcpOpening:
    """What is held back. ``held`` are segments, each with its captured payload, in capture order."""

    __slots__ = ("_asks", "_bytes", "_ends", "held")

    def __init__(self, source: int, target: int) -> None:
        self.held: list[tuple[Row, bytes]] = []
        self._ends = source, target
        self._bytes = 0
        self._asks: int | None = None  # who is the client, by what was said

    def add(self, row: Row, payload: bytes) -> bool:
        """Hold one more; True where it is enough."""
        self.held.append((row, payload))
        self._bytes += len(payload)
        if self._asks is None and payload and not any(self._synchronizing()):
            asks = is_client(payload)
            if asks is not None:
                self._asks = row[SOURCE] if asks else self.other(row[SOURCE])
        began = {first[SOURCE] for first in self._synchronizing()}
        return (
            len(began) > 1
            or any(first[FLAGS] & ACK for first in self._synchronizing())
            or (self._asks is not None and not began)
            or len(self.held) >= _MOST_HELD
            or self._bytes >= _MOST_HELD_BYTES
            or row[CLOCK] - self.held[0][0][CLOCK] > PATIENCE_NS
        )

    def precedes(self, row: Row) -> bool:
        """Whether the SYN in ``row`` began the connection whose segments are held, captured ahead of it."""
        begin = row[SEQ] + 1
        for earlier, _ in self.held:
            number = earlier[SEQ] if earlier[SOURCE] == row[SOURCE] else earlier[ACKNOWLEDGED]
            told = earlier[SOURCE] == row[SOURCE] or earlier[FLAGS] & ACK
            if told and (number - begin) & 0xFFFFFFFF >= _NEAR:
                return False
        return True

    def client(self, endpoints: Sequence[Endpoint]) -> tuple[int, bool]:
        """Number of the client's endpoint, and whether that is a guess.

        Without any other sign the side with the higher port is the client, as services have the low ones.
        """
        for row in self._synchronizing():
            return (self.other(row[SOURCE]) if row[FLAGS] & ACK else row[SOURCE]), False
        if self._asks is not None:
            return self._asks, True
        source, target = self._ends
        return (source if endpoints[source].port >= endpoints[target].port else target), True

    def mid_stream(self) -> bool:
        """Whether no SYN is among them."""
        return not any(self._synchronizing())

    def base(self, source: int) -> int | None:
        """The sequence number of the first byte of one end; None where nothing of it was seen.

        Without its SYN it is what the other one's SYN acknowledges, or the first byte that was seen. Where
        the capture was there from the start, what the other side had acknowledged before the first byte
        seen was sent, and is missing.
        """
        for row in self._synchronizing():
            if row[SOURCE] == source:
                return (row[SEQ] + 1) & 0xFFFFFFFF
            if row[FLAGS] & ACK:
                return row[ACKNOWLEDGED]
        own = [row for row, _ in self.held if row[SOURCE] == source and not row[FLAGS] & RST]
        if not own:
            return None
        start = own[0][SEQ]
        ahead = [_signed(row[SEQ] - start) for row in own]
        start = (start + min(a for a in ahead if -FARTHEST < a < FARTHEST)) & 0xFFFFFFFF
        acked = next((row[ACKNOWLEDGED] for row, _ in self.held if self._acknowledges(row, source)), None)
        return start if acked is None else first_byte(own, start, acked, opened=not self.mid_stream())

    def other(self, end: int) -> int:
        """The number of the opposite endpoint."""
        source, target = self._ends
        return target if end == source else source

    def _acknowledges(self, row: Row, source: int) -> bool:
        return row[SOURCE] != source and row[FLAGS] & (ACK | RST) == ACK

    def _synchronizing(self) -> Iterator[Row]:
        return (row for row, _ in self.held if row[FLAGS] & (SYN | RST) == SYN)


def first_byte(own: list[Row], start: int, acked: int, *, opened: bool) -> int:
    """Where a stream begins: ``start`` was seen of it first, ``acked`` was acknowledged first."""
    ahead = _signed(acked - start)
    if ahead == 1:  # of a keep-alive probe (RFC 9293 section 3.8.4), if nothing else was sent from there
        sent = [row for row in own if row[SEQ] == start]
        return acked if all(row[LENGTH] <= 1 and not row[FLAGS] & (FIN | PSH) for row in sent) else start
    return acked if opened and -FARTHEST < ahead < 0 else start


def _signed(difference: int) -> int:
    return ((difference + 0x80000000) & 0xFFFFFFFF) - 0x80000000
