"""Segments as a table: one column a segment, one line a field, so that a group of them is one look-up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.arrays import np

if TYPE_CHECKING:
    from plainwire.model import Int64s, SegmentBatch

NUMBER, TIME, SOURCE, SEQ, ACKNOWLEDGED, FLAGS, LENGTH, WINDOW, TTL, IP_ID, AT, CAPTURED, CLOCK = range(13)
"""The lines of the table. ``AT`` is where the payload begins in the batch's data, ``CLOCK`` the latest
capture time so far: times of a capture may fall, its clock never does.
"""

KEPT = 10
"""So many lines, the first ones, are of use when the batch is gone."""

Row = list[int]
"""One segment, a number a line."""


def table(batch: SegmentBatch, clock_ns: int) -> Int64s:
    """The batch as a table; ``clock_ns`` is the clock before it."""
    clock = np.maximum.accumulate(batch.time_ns)
    return np.stack(
        (
            batch.number,
            batch.time_ns,
            batch.source,
            batch.seq,
            batch.ack,
            batch.flags,
            batch.length,
            batch.window,
            batch.ttl,
            batch.ip_id,
            batch.offset,
            batch.captured,
            np.maximum(clock, clock_ns, out=clock),
        )
    )
