"""A batch of very many small packets, a part at a time, so that what all of it opens is not there at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from msgspec.structs import replace

from plainwire.arrays import np
from plainwire.model import DatagramBatch, SegmentBatch

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_SEGMENTS = 16_384
"""At a time. Batches of packets of the usual sizes have fewer."""

MOST_DATAGRAMS = 512
"""At a time. Each may hold hundreds of frames."""

Batch = TypeVar("Batch", SegmentBatch, DatagramBatch)


def portions(batch: Batch, most: int) -> Iterator[Batch]:
    """The batch, in parts of at most ``most`` rows."""
    count = len(batch.number)
    if count <= most:
        yield batch
        return
    columns = [name for name in batch.__struct_fields__ if isinstance(getattr(batch, name), np.ndarray)]
    for start in range(0, count, most):
        rows = slice(start, start + most)
        yield replace(batch, **{name: getattr(batch, name)[rows] for name in columns})
