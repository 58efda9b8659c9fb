"""SYNs that have no company yet: noted in a few bytes each, for a flood has nothing else."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from plainwire.arrays import np
from plainwire.model import ACK, FIN, RST, SYN
from plainwire.streams.segment_columns import NUMBER
from plainwire.streams.tcp_connection import TcpConnection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from plainwire.model import Endpoint, Int64s, SegmentBatch, SynOptions

MOST_NOTED = 50_000
"""SYNs at a time."""


class LoneSyn(NamedTuple):
    """One of them; ``row`` is its column of the table of segments, ``target`` the number of the server."""

    identity: int
    row: bytes
    target: int
    options: SynOptions | None

    def connection(self, endpoints: Sequence[Endpoint]) -> TcpConnection:
        """Make the connection that it began."""
        row = np.frombuffer(self.row, dtype=np.int64)
        first = row.tolist()
        connection = TcpConnection(self.identity, first, self.target, endpoints)
        options = {} if self.options is None else {first[NUMBER]: self.options}
        connection.take(b"", row.reshape(-1, 1), np.zeros(1, dtype=np.int64), options)
        return connection


def lone_syns(batch: SegmentBatch) -> list[bool]:
    """Of each segment whether it is a SYN and nothing else."""
    alone: NDArray[np.bool_] = batch.flags & (SYN | ACK | FIN | RST) == SYN
    found: list[bool] = (alone & (batch.length == 0)).tolist()
    return found


class LoneSyns:
    """By the numbers of their endpoints, the oldest first. ``most``: how many there were at a time."""

    def __init__(self) -> None:
        self.most = 0
        self._notes: OrderedDict[int, LoneSyn] = OrderedDict()

    def __len__(self) -> int:
        return len(self._notes)

    def __contains__(self, pair: int) -> bool:
        return pair in self._notes

    @property
    def full(self) -> bool:
        """Whether the oldest one has to go."""
        return len(self._notes) > MOST_NOTED

    def add(self, pair: int, identity: int, row: Int64s, target: int, options: SynOptions | None) -> None:
        """Note one: a column of the table of segments."""
        self._notes[pair] = LoneSyn(identity, row.tobytes(), target, options)
        self.most = max(self.most, len(self._notes))

    def pop(self, pair: int) -> LoneSyn | None:
        """Take out the one between these endpoints, if there is one."""
        return self._notes.pop(pair, None)

    def pop_first(self) -> LoneSyn:
        """Take out the oldest one."""
        return self._notes.popitem(last=False)[1]
