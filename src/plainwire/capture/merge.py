"""Several files as one capture: packets in order of time, numbered as after ``mergecap``.

Of the next packets of all files the earliest comes first; of two at the same time, that of the file named
last, as in ``mergecap``. The order within a file stays, even where its times go back. In other words, each
packet is sorted by the latest time in its file so far, then by its file. (A custom block, which Wireshark
counts although it has no packet, is counted with the packet after it; ``mergecap`` counts it before.)

Files are opened twice: once for the time of their first packet and the secrets before it, and again when that
time has come. So a hundred files of a ring buffer are never open together, and secrets in the last of them
are known from the start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field

from plainwire.arrays import np
from plainwire.model import CaptureNote, PacketBatch, SecretsBlock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from plainwire.model import CaptureItem, Int64s

_NAMED_FILES = 6
_LONG_AGO = np.iinfo(np.int64).min


class MergedFile(Struct):
    """One of the files. ``start`` is None until its first packet's time is known (a pipe's is not).

    ``secrets`` counts the blocks that were handed out before: they come again when it is read.
    """

    path: str
    items: Callable[[], Iterator[CaptureItem]]
    start: int | None = None
    secrets: int = 0


class _Open(Struct, eq=False):
    """A file that is being read: its packets in ``batch`` from ``done`` on are yet to be handed out."""

    part: MergedFile
    index: int
    items: Iterator[CaptureItem]
    batch: PacketBatch | None = None
    keys: Int64s = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    done: int = 0
    latest: int = _LONG_AGO
    number: int = 0  # the last one in its own file that was handed out

    @property
    def last(self) -> tuple[int, int]:
        return int(self.keys[-1]), -self.index

    def take(self, batch: PacketBatch) -> None:
        self.batch, self.done = batch, 0
        self.keys = np.maximum(np.maximum.accumulate(batch.time_ns), self.latest)
        self.latest = int(self.keys[-1])


def merge(parts: list[MergedFile]) -> Iterator[CaptureItem]:
    """Read all parts as one capture."""
    return _Merge(parts).run()


class _Merge:
    """Works in rounds: each hands out everything up to the end of the batch that ends first."""

    def __init__(self, parts: list[MergedFile]) -> None:
        starts = [(part.start, -index, part) for index, part in enumerate(parts) if part.start is not None]
        self._waiting = sorted(starts, key=lambda entry: entry[:2], reverse=True)
        self._open = [
            _Open(part, index, part.items()) for index, part in enumerate(parts) if part.start is None
        ]
        self._number = 0
        self._overlap = False
        self._runs: list[tuple[str, int, int]] = []  # path, first and last number

    def run(self) -> Iterator[CaptureItem]:
        while self._open or self._waiting:
            yield from self._fill()
            if self._open:
                yield from self._round()
        if self._number:
            yield CaptureNote(self._order())

    def _fill(self) -> Iterator[CaptureItem]:
        """Read packets of every open file, and open the files whose time has come."""
        while True:
            for file in list(self._open):
                yield from self._next_batch(file)
            horizon = min((file.last for file in self._open), default=None)
            if not self._waiting or (horizon is not None and horizon < self._waiting[-1][:2]):
                return
            _, index, part = self._waiting.pop()
            self._open.append(_Open(part, -index, part.items()))

    def _next_batch(self, file: _Open) -> Iterator[CaptureItem]:
        while file.batch is None:
            item = next(file.items, None)
            if item is None:
                self._open.remove(file)
                return
            if isinstance(item, PacketBatch):
                file.take(item)
            elif isinstance(item, SecretsBlock) and file.part.secrets:
                file.part.secrets -= 1
            else:
                yield item

    def _round(self) -> Iterator[PacketBatch]:
        ends_first = min(self._open, key=lambda file: file.last)
        horizon = ends_first.last[0]
        pieces = []
        for file in sorted(self._open, key=lambda file: -file.index):
            # At the horizon itself the files named last go first.
            side: Literal["left", "right"] = "right" if file.index >= ends_first.index else "left"
            end = int(np.searchsorted(file.keys, horizon, side))
            if end > file.done:
                pieces.append(self._piece(file, end))
        whole = pieces[0][0] if len(pieces) == 1 else _join(pieces)
        ahead = whole.number  # each packet's distance from the one before it in its own file
        whole.number = self._number + np.cumsum(ahead)
        self._overlap = self._overlap or len(pieces) > 1
        first, self._number = int(whole.number[0]), int(whole.number[-1])
        if not self._overlap:
            self._note_run(ends_first.part.path, first)
        for file in self._open:
            if file.batch is not None and file.done == len(file.keys):
                file.batch = None
        yield whole

    def _piece(self, file: _Open, end: int) -> tuple[PacketBatch, Int64s]:
        """Take the packets up to row ``end``, their numbers as distances, and their keys."""
        assert file.batch is not None  # noqa: S101 - _fill saw to it
        rows = slice(file.done, end)
        batch = file.batch
        numbers = batch.number[rows]
        distances = np.diff(numbers, prepend=file.number)
        file.number, file.done = int(numbers[-1]), end
        piece = PacketBatch(
            batch.data,
            distances,
            batch.time_ns[rows],
            batch.offset[rows],
            batch.caplen[rows],
            batch.length[rows],
            batch.link[rows],
        )
        return piece, file.keys[rows]

    def _note_run(self, path: str, first: int) -> None:
        if self._runs and self._runs[-1][0] == path:
            first = self._runs.pop()[1]
        self._runs.append((path, first, self._number))

    def _order(self) -> str:
        if self._overlap:
            return (
                "the files overlap in time: their packets were merged by time, and have the numbers "
                "that they have in mergecap's output"
            )
        named = [f"{first} to {last} in {path}" for path, first, last in self._runs[:_NAMED_FILES]]
        more = len(self._runs) - _NAMED_FILES
        return f"packets {', '.join(named)}{f', and {more} more' if more > 0 else ''}"


def _join(pieces: list[tuple[PacketBatch, Int64s]]) -> PacketBatch:
    """Join several pieces by their keys; they come in the order of their files."""
    regions, base = [], 0
    for batch, _ in pieces:
        start = int(batch.offset[0])
        end = int((batch.offset + batch.caplen).max())
        regions.append(batch.data[start:end])
        batch.offset = batch.offset + (base - start)
        base += end - start
    order = np.argsort(np.concatenate([keys for _, keys in pieces]), kind="stable")
    batches = [batch for batch, _ in pieces]
    return PacketBatch(
        b"".join(regions),
        np.concatenate([batch.number for batch in batches])[order],
        np.concatenate([batch.time_ns for batch in batches])[order],
        np.concatenate([batch.offset for batch in batches])[order],
        np.concatenate([batch.caplen for batch in batches])[order],
        np.concatenate([batch.length for batch in batches])[order],
        np.concatenate([batch.link for batch in batches])[order],
    )
