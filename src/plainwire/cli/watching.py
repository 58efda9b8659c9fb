"""While something takes long: how far it is, on a terminal; and Ctrl-C, which ends a reading alone."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from plainwire.model import CaptureNote, PacketBatch
from plainwire.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TextIO

    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from plainwire.model import CaptureItem

PATIENCE = 1.0
"""Seconds of work before anything is said."""
_A_SECOND = 4
"""How often the line is drawn again."""
_FIRST_GUESS = 0.02
"""The share that must be read before the rest is estimated."""
_MB = 1_000_000


class Watch(Progress):
    """One line on a terminal, from a second on, which goes away again: what is done, packets, megabytes,
    percent, the time that is left. Elsewhere nothing at all.

    ``stops``: the first Ctrl-C ends a reading, and what was read counts.
    """

    def __init__(self, stream: TextIO | None = None, *, shown: bool = True, stops: bool = False) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._stops = stops
        self._what, self._size, self._packets, self._read = "", 0, 0, 0
        self._began = time.monotonic()
        self._lock = threading.Lock()  # the line begins in a thread of its own
        self._bars: Bars | None = None
        self._task: TaskID | None = None
        self._timer: threading.Timer | None = None
        self._shown = shown and self._stream.isatty() and "CI" not in os.environ
        self._shown = self._shown and os.environ.get("TERM") != "dumb"

    def step(self, what: str, size: int = 0) -> None:
        """See ``Progress``."""
        self._what, self._size, self._packets, self._read = what, size, 0, 0
        self._began = time.monotonic()
        if self._shown and self._timer is None:
            self._timer = threading.Timer(PATIENCE, self._begin)
            self._timer.daemon = True
            self._timer.start()
        self._draw()

    def through(self, items: Iterator[CaptureItem]) -> Iterator[CaptureItem]:
        """See ``Progress``."""
        counted = self._counted(items)
        return self._stoppable(counted) if self._stops else counted

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Nothing is left of the line."""
        self._shown = False
        if self._timer is not None:
            self._timer.cancel()
        with self._lock:
            self._timer = None
            if self._bars is not None:
                with contextlib.suppress(OSError):
                    self._bars.stop()
                self._bars = None

    def _begin(self) -> None:
        from rich.console import Console  # noqa: PLC0415 - large, and most work is over by now
        from rich.progress import BarColumn, SpinnerColumn, TextColumn  # noqa: PLC0415 - as above
        from rich.progress import Progress as Bars  # noqa: PLC0415 - as above

        with self._lock:
            if self._timer is None:
                return
            columns = (
                SpinnerColumn(),
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=20),
                TextColumn("{task.fields[told]}", markup=False),
            )
            console = Console(file=self._stream)
            self._bars = Bars(*columns, console=console, transient=True, refresh_per_second=_A_SECOND)
            self._task = self._bars.add_task(self._what, total=None, told="")
            with contextlib.suppress(OSError):
                self._bars.start()
        self._draw()

    def _draw(self) -> None:
        if self._bars is None or self._task is None:
            return
        known = self._read and self._read <= self._size
        self._bars.update(
            self._task,
            description=self._what,
            total=self._size if known else None,
            completed=self._read if known else 0,
            told=line(self._packets, self._read, self._size, time.monotonic() - self._began),
        )

    def _counted(self, items: Iterator[CaptureItem]) -> Iterator[CaptureItem]:
        for item in items:
            yield item
            if isinstance(item, PacketBatch):
                self._packets += len(item.number)
                self._read += len(item.data)
                self._draw()

    def _stoppable(self, items: Iterator[CaptureItem]) -> Iterator[CaptureItem]:
        """The items up to a Ctrl-C, then a note. A second one ends the command, as does one behind them."""
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
                if stopped:
                    where = f"stopped by Ctrl-C after packet {self._packets}"
                    yield CaptureNote(f"{where}: what follows it in the capture was not read")
                    return
        finally:
            if ours:
                signal.signal(signal.SIGINT, signal.default_int_handler)


def line(packets: int, read: int, size: int, seconds: float) -> str:
    """How far it is. What more was read than there are bytes was compressed: then nobody knows the end."""
    if not packets:
        return ""
    said = f"{packets:,} packets, {read / _MB:,.0f} MB"
    if not _FIRST_GUESS * size <= read <= size:
        return said
    left = seconds * (size - read) / read
    return f"{said}, {100 * read // size} %, about {max(1, round(left))} s left"


def size_of(files: Sequence[str]) -> int:
    """How many bytes they have together; 0 where nobody knows. Whoever reads them says what is wrong."""
    try:
        return sum(Path(name).stat().st_size for name in files)
    except OSError:
        return 0
