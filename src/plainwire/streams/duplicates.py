"""Packets that were captured twice: on two interfaces, or before and behind a router on one host.

A copy has the sequence number, the acknowledgment, the flags, the window and the length of its original,
its IP identification, and at most a few hops less; and it comes at once. A segment that is sent again
has an identification of its own, or comes a retransmission timeout later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.model import FIN, RST, SYN
from plainwire.streams.segment_columns import FLAGS, IP_ID, LENGTH, SOURCE, TIME, TTL, Row

if TYPE_CHECKING:
    from collections.abc import Iterable

COPY_NS = 100_000_000
"""A copy with the same IP identification within this time is the same packet: no retransmission timeout
is that short (RFC 6298 section 2.4).
"""

COPY_WITHOUT_ID_NS = 1_000_000
"""The same for packets without one (IPv6, and RFC 6864 section 4.1)."""

_MOST_HOPS = 8
_MOST_REMEMBERED = 64

_Key = tuple[int, ...]


class Duplicates:
    """Remembers a connection's last packets, and knows their copies."""

    __slots__ = ("_seen",)

    def __init__(self, rows: Iterable[Row]) -> None:
        self._seen: dict[_Key, tuple[int, int]] = {}  # to time and TTL; the oldest first
        for row in rows:
            self.remember(row)

    def remember(self, row: Row) -> None:
        """Take a packet that is not a copy."""
        seen, key = self._seen, (row[IP_ID], *row[SOURCE:TTL])
        seen.pop(key, None)
        seen[key] = row[TIME], row[TTL]
        if len(seen) > _MOST_REMEMBERED:
            del seen[next(iter(seen))]

    def holds(self, row: Row) -> bool:
        """Whether a packet is a copy of one of those."""
        identified = row[IP_ID] > 0
        if not identified and not row[LENGTH] and not row[FLAGS] & (SYN | FIN | RST):
            return False  # of equal acknowledgments each may be one of its own (RFC 5681 section 2)
        first = self._seen.get((row[IP_ID], *row[SOURCE:TTL]))
        if first is None:
            return False
        time_ns, ttl = first
        longest = COPY_NS if identified else COPY_WITHOUT_ID_NS
        return row[TIME] - time_ns <= longest and abs(row[TTL] - ttl) <= _MOST_HOPS
