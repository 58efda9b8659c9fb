"""While captures are read: how far that is, on a terminal; and Ctrl-C, which ends it with what was read."""

from __future__ import annotations

import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from plainwire.model import CaptureNote, PacketBatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TextIO

    from plainwire.model import CaptureItem

    Through = Callable[[Iterator[CaptureItem]], Iterator[CaptureItem]]

_PATIENCE = 2.0
"""Seconds of reading before anything is said."""
_PAUSE = 0.5
"""Seconds between two lines."""
_FIRST_GUESS = 0.02
"""The share that must be read before the rest is estimated."""


def watched(files: Sequence[str]) -> Through:
    """What items are to go through while these files are read."""
    try:
        total = sum(Path(name).stat().st_size for name in files)
    except OSError:
        total = 0  # whoever reads them says what is wrong

    def through(items: Iterator[CaptureItem]) -> Iterator[CaptureItem]:
        return _watched(items, _HowFar(total, sys.stderr))

    return through


def _watched(items: Iterator[CaptureItem], how_far: _HowFar) -> Iterator[CaptureItem]:
    """The items up to a Ctrl-C, and then a note. A second one ends the command, as does one behind them."""
    stopped = False

    def stop(_number: int, _frame: object) -> None:
        nonlocal stopped
        stopped = True
        signal.signal(signal.SIGINT, signal.default_int_handler)

    ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if ours:
        signal.signal(signal.SIGINT, stop)
    try:
        for item in items:
            yield item
            how_far.count(item)
            if stopped:
                where = f"stopped by Ctrl-C after packet {how_far.packets}"
                yield CaptureNote(f"{where}: what follows it in the capture was not read")
                return
    finally:
        how_far.clear()
        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)


class _HowFar:
    """A line that is written again and again. ``total``: bytes of the files."""

    def __init__(self, total: int, stream: TextIO) -> None:
        self.packets = 0
        self._bytes = 0
        self._total = total
        self._stream = stream if stream.isatty() else None
        self._began = time.monotonic()
        self._next = self._began + _PATIENCE
        self._width = 0

    def count(self, item: CaptureItem) -> None:
        """One more was read and worked on."""
        if not isinstance(item, PacketBatch):
            return
        self.packets += len(item.number)
        self._bytes += len(item.data)
        now = time.monotonic()
        if self._stream is not None and now >= self._next:
            self._next = now + _PAUSE
            self._write(self._stream, line(self.packets, self._bytes, self._total, now - self._began))

    def _write(self, stream: TextIO, text: str) -> None:
        stream.write("\r" + text.ljust(self._width))
        stream.flush()
        self._width = len(text)

    def clear(self) -> None:
        """Nothing is left of the line."""
        if self._stream is not None and self._width:
            self._write(self._stream, "")
            self._stream.write("\r")
            self._stream.flush()


def line(packets: int, read: int, total: int, seconds: float) -> str:
    """How far it is. What more was read than there are bytes was compressed: then nobody knows the end."""
    said = f"{packets:,} packets"
    if not _FIRST_GUESS * total <= read <= total or not read:
        return said
    left = seconds * (total - read) / read
    return (
        f"{said}, {100 * read // total} %, about {max(1, round(left))} s left (Ctrl-C: the report of these)"
    )
