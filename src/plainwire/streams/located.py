"""The last segments of a connection as the rules read them: with sides and offsets."""

from __future__ import annotations

from array import array
from itertools import chain
from typing import TYPE_CHECKING

from plainwire import kernel
from plainwire.arrays import np
from plainwire.model import ACK, Segments
from plainwire.streams.segment_columns import KEPT

if TYPE_CHECKING:
    from plainwire.streams.direction import Direction
    from plainwire.streams.last_segments import LastSegments


def located(tail: LastSegments, client: int, directions: tuple[Direction, Direction]) -> Segments:
    """The segments; ``client`` is the number of that one's endpoint."""
    few = tail.few()
    mine, theirs = directions
    if few is not None:
        if kernel.compiled is not None and mine.base is not None and theirs.base is not None:
            bases, nexts = (mine.base, theirs.base), (mine.next, theirs.next)
            columns = array("q", kernel.compiled.place_segments(few, client, bases, nexts))
        else:
            columns = _one_by_one(few, client, directions)
        return Segments.few(columns, len(few) // KEPT)
    number, time_ns, source, raw_seq, raw_ack, flags, length, window, ttl, ip_id = tail.columns()
    by_client = source == client
    side = (~by_client).astype(np.int64)
    seq = np.where(by_client, mine.offsets(raw_seq), theirs.offsets(raw_seq))
    ack = np.where(by_client, theirs.offsets(raw_ack), mine.offsets(raw_ack))
    ack = np.where(flags & ACK, ack, -1)
    return Segments(number, time_ns, side, seq, ack, length, flags, window, ttl, ip_id)


def _one_by_one(rows: array[int], client: int, directions: tuple[Direction, Direction]) -> array[int]:
    """The same for a few segments, which are quicker done one by one: column by column."""
    placed: list[tuple[int, ...]] = []
    mine, theirs = directions
    for at in range(0, len(rows), KEPT):
        number, time_ns, source, seq, ack, flags, length, window, ttl, ip_id = rows[at : at + KEPT]
        if source == client:
            offset, side, taken = mine.offset(seq), 0, theirs.offset(ack) if flags & ACK else -1
        else:
            offset, side, taken = theirs.offset(seq), 1, mine.offset(ack) if flags & ACK else -1
        placed.append((number, time_ns, side, offset, taken, length, flags, window, ttl, ip_id))
    return array("q", chain.from_iterable(zip(*placed, strict=True)))
