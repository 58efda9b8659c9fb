"""A connection that began and ended in one batch, and was read at once: held for segments that come later.

Nearly always none comes, and what was read stays. Where one does, the connection is followed from its first
segment on, as all others are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from plainwire.arrays import np
from plainwire.model import SynOptions
from plainwire.streams.segment_columns import CLOCK
from plainwire.streams.tcp_connection import LINGER_NS, SETTLED_NS, TcpConnection

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from plainwire.model import Connection, Endpoint, Int64s


MOST_HELD = 64 << 20
"""Bytes of segments and what they carried, of all such connections at a time; further ones are followed."""


class HeldSegments(NamedTuple):
    """``rows``: all lines of the table of segments, one behind the other; ``data``: what they lie in.

    ``settled``: each side has all of the other's, FIN included. ``clock_ns``: the last one's.
    """

    rows: bytes
    data: bytes
    server: int
    endpoints: Sequence[Endpoint]
    settled: bool
    clock_ns: int


class WholeConnection(TcpConnection):
    """``facts`` are complete while it ``is_whole``. ``room`` is what its exchanges took of the room for all;
    None: nobody asked yet.
    """

    __slots__ = ("_held", "requests", "responses", "room")

    def __init__(
        self,
        facts: Connection,
        held: HeldSegments,
        requests: tuple[int, int, int],
        responses: tuple[int, int, int],
    ) -> None:
        # What the base has comes in ``follow``: to make it costs more than all else.
        self.facts = facts
        self.ended = True
        self.requests, self.responses = requests, responses
        self.room: int | None = None
        self._held: HeldSegments | None = held

    @property
    def is_whole(self) -> bool:
        """Whether no other segment came."""
        return self._held is not None

    @property
    def held(self) -> int:
        """Bytes that are held for segments that may come."""
        return 0 if self._held is None else len(self._held.rows) + len(self._held.data)

    def follow(self) -> None:
        """Take its segments as those of any other connection; what was read is let go."""
        held = self._held
        if held is None:
            return
        self._held = None
        columns = np.frombuffer(held.rows, dtype=np.int64).reshape(CLOCK + 1, -1)
        options = {syn.packet: syn.options for syn in self.facts.syns if isinstance(syn.options, SynOptions)}
        super().__init__(self.facts.id, columns[:, 0].tolist(), held.server, held.endpoints)
        super().take(held.data, columns, np.arange(columns.shape[1]), options)

    def take(self, data: bytes, columns: Int64s, rows: Int64s, options: Mapping[int, SynOptions]) -> int:
        """See the base."""
        if self._held is not None:
            if self.is_over(int(columns[CLOCK, rows[0]])):
                return 0
            self.follow()
        return super().take(data, columns, rows, options)

    def is_over(self, clock_ns: int) -> bool:
        """See the base."""
        held = self._held
        if held is None:
            return super().is_over(clock_ns)
        return clock_ns - held.clock_ns > (SETTLED_NS if held.settled else LINGER_NS)

    @property
    def delivers(self) -> bool:
        """See the base."""
        return self._held is None and super().delivers

    @property
    def fruitless(self) -> bool:
        """See the base."""
        return self._held is None and super().fruitless

    @property
    def rank(self) -> tuple[int, int]:
        """See the base."""
        return super().rank if self._held is None else (0, self._held.clock_ns)
