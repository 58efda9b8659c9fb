"""What is served: cases that are there, and one that grows."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Protocol

import orjson
from msgspec import Struct

from plainwire import pipeline, provenance, reading
from plainwire.case import Case
from plainwire.model import UserError
from plainwire.report.escape import printable, printable_json
from plainwire.report.page.facts import body, facts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from plainwire.model import Report

MOST_BODY = 1 << 20
"""Characters of a body that are sent on request."""

POLL = 0.25
"""Seconds between two looks at a capture that grows: an exchange is to be seen within a second of its end."""

Bodies = tuple[str | None, str | None]


class Growth(Struct, frozen=True):
    """How far a case has come; ``version`` grows with each report, from 1 on. ``note`` is set in the end."""

    version: int = 0
    running: bool = True
    packets: int = 0
    note: str = ""


class ServedCase(Protocol):
    """One case."""

    name: str

    def page(self) -> bytes:
        """The facts of the page, as JSON."""

    def bodies(self, exchange: int) -> Bodies | None:
        """The bodies of an exchange's request and response; None where there is no such exchange."""


def encoded(report: Report, path: Path, *, here: bool = False) -> bytes:
    """The facts of a report, as JSON."""
    about = provenance.about(path, recorded_here=here)
    return printable_json(orjson.dumps(facts(report, about)))


def _bodies_in(report: Report, exchange: int) -> Bodies | None:
    found = next((e for e in report.exchanges if e.id == exchange), None)
    return None if found is None else (body(found.request, MOST_BODY), body(found.response, MOST_BODY))


class KeptCase:
    """A case or capture file that does not change; its packets are read when it is first asked for."""

    def __init__(self, path: Path, name: str, analyze: Callable[[], Report]) -> None:
        self.name = printable(name, 60)
        self._path, self._analyze = path, analyze
        self._lock = threading.Lock()
        self._report: Report | None = None
        self._page = b""

    def _read(self) -> Report:
        with self._lock:
            if self._report is None:
                self._report = self._analyze()
            return self._report

    def page(self) -> bytes:
        """See ``ServedCase``."""
        self._page = self._page or encoded(self._read(), self._path)
        return self._page

    def bodies(self, exchange: int) -> Bodies | None:
        """See ``ServedCase``."""
        return _bodies_in(self._read(), exchange)


class GrowingCase:
    """A case that is being recorded: read again and again as it grows.

    A look takes as long as the analysis of all so far. After one that took long the next waits as long again,
    so that the program and its capture keep the processor.
    """

    def __init__(self, case: Case) -> None:
        self.name = printable(case.folder.name, 60)
        self.growth = Growth()
        self._case = case
        self._page = b""
        self._report: Report | None = None
        self._size = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="follower", daemon=True)

    def start(self) -> None:
        """Begin to follow it."""
        self._thread.start()

    def finish(self, report: Report | None, note: str) -> None:
        """The recording is over, and this is its report."""
        self._over.set()
        self._thread.join()
        if report is not None:
            self._show(report)
        before = self.growth
        packets = report.coverage.packets if report is not None else before.packets
        self.growth = Growth(before.version, running=False, packets=packets, note=note)

    def page(self) -> bytes:
        """See ``ServedCase``."""
        return self._page

    def bodies(self, exchange: int) -> Bodies | None:
        """See ``ServedCase``: read from the packets anew, since what follows the case keeps none."""
        try:
            return _bodies_in(reading.analyze(self._case, keep_bodies=True), exchange)
        except UserError:
            return None

    def _follow(self) -> None:
        wait = POLL
        while not self._over.wait(wait):
            began = _clock()
            if self._grown():
                self._look()
            wait = max(POLL, _clock() - began)

    def _grown(self) -> bool:
        try:
            size = self._case.capture.stat().st_size + self._case.keys.stat().st_size
        except OSError:
            return False
        grown, self._size = size != self._size, size
        return grown

    def _look(self) -> None:
        try:
            report = reading.analyze(self._case)
        except (UserError, OSError):  # not yet whole enough to be read; the next look sees more
            return
        self._show(report)

    def _show(self, report: Report) -> None:
        self._report = report
        self._page = encoded(report, self._case.folder, here=True)
        self.growth = Growth(self.growth.version + 1, packets=report.coverage.packets)


def of_paths(paths: Sequence[Path], keys: tuple[str, ...]) -> list[KeptCase]:
    """Case folders and capture files, each by a name of its own."""
    names = [path.resolve().name for path in paths]
    if len(set(names)) < len(names):
        names = ["/".join(path.resolve().parts[-2:]) for path in paths]
    return [
        KeptCase(path, name, partial(_analyze, path, keys)) for path, name in zip(paths, names, strict=True)
    ]


def _analyze(path: Path, keys: tuple[str, ...]) -> Report:
    if path.is_dir():
        return reading.analyze(Case(path), keys, keep_bodies=True)
    return pipeline.analyze([path], keys, keep_bodies=True)


def _clock() -> float:
    import time  # noqa: PLC0415 - for this alone

    return time.monotonic()
