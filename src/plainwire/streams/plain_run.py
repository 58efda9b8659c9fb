"""Plain segments, many at once: the fast path of a connection.

Plain is a segment without SYN, FIN and RST, whose payload, if it has any, is all there and begins
where its side's last one ended, and which acknowledges nothing far outside the window. For these,
taking them one by one would do the same, only slower.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.arrays import np
from plainwire.model import ACK, FIN, RST, SYN, Side
from plainwire.streams.direction import FARTHEST
from plainwire.streams.segment_columns import (
    ACKNOWLEDGED,
    AT,
    CAPTURED,
    FLAGS,
    LENGTH,
    NUMBER,
    SEQ,
    SOURCE,
    TIME,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from plainwire.model import Int64s
    from plainwire.streams.direction import Direction


def plain_run(
    directions: tuple[Direction, Direction], client: int, data: bytes, group: Int64s
) -> tuple[int, bool]:
    """Take the plain segments at the beginning of ``group``.

    ``directions`` are the client's and the server's; ``client`` is the number of its endpoint. Returns how
    many segments were plain, and whether the client acknowledged anything new in them.
    """
    length = group[LENGTH]
    if int(length.sum()) > FARTHEST:  # little was captured of each
        return 0, False
    by_client = group[SOURCE] == client
    plain = group[FLAGS] & (SYN | FIN | RST) == 0
    sides = [_Side(*directions, group, by_client), _Side(*directions[::-1], group, ~by_client)]
    for side in sides:
        side.judge(plain)
    count = len(plain) if plain.all() else int(plain.argmin())
    for side in sides:
        side.deliver(data, count)
    acknowledged = [side.acknowledge(count) for side in sides]
    return count, acknowledged[Side.CLIENT]


class _Side:
    """The segments of one side in a group."""

    __slots__ = ("_acking", "_acks", "_carrying", "_direction", "_group", "_offsets", "_other", "_own")

    def __init__(self, direction: Direction, other: Direction, group: Int64s, own: NDArray[np.bool_]) -> None:
        self._direction = direction
        self._other = other
        self._group = group
        self._own = own
        self._carrying = np.flatnonzero(own & (group[LENGTH] > 0))
        self._acking = np.flatnonzero(own & (group[FLAGS] & ACK != 0))
        self._offsets = direction.offsets(group[SEQ, self._carrying])
        self._acks = other.offsets(group[ACKNOWLEDGED, self._acking])

    def judge(self, plain: NDArray[np.bool_]) -> None:
        """Strike out the segments that are not plain; what comes behind the first is of no account."""
        direction, carrying, offsets = self._direction, self._carrying, self._offsets
        if len(carrying):
            length = self._group[LENGTH, carrying]
            good = self._group[CAPTURED, carrying] == length
            good[0] &= offsets[0] == direction.next
            good[1:] &= offsets[1:] == (offsets + length)[:-1]
            plain[carrying] &= good
        if len(self._acks) and self._acks.max() >= self._other.next + FARTHEST:
            plain[self._acking] &= self._acks < self._other.next + FARTHEST
        if direction.assumed:
            plain[self._own] = False

    def deliver(self, data: bytes, count: int) -> None:
        """Hand over what is among the first ``count`` segments of the group."""
        rows = self._carrying[: int(np.searchsorted(self._carrying, count))]
        if len(rows):
            group, offsets = self._group, self._offsets[: len(rows)]
            acked = np.where(group[FLAGS, rows] & ACK, group[ACKNOWLEDGED, rows], -1)
            self._direction.positions.extend(offsets, group[NUMBER, rows], group[TIME, rows], acked)
            self._direction.extend(data, offsets, group[AT, rows], group[LENGTH, rows])

    def acknowledge(self, count: int) -> bool:
        """Take the acknowledgments among the first ``count``; whether any was not old."""
        acks = self._acks[: int(np.searchsorted(self._acking, count))]
        if not len(acks):
            return False
        self._other.acked_number = int(self._group[ACKNOWLEDGED, self._acking[len(acks) - 1]])
        return self._other.acknowledge_all(acks)
