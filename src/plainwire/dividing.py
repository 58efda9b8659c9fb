"""Work divided among processes, by connection.

Each process reads the whole capture and follows its share of the connections: to find packets costs little,
to read what was said costs much. What comes back are finished connections, pickled, some at a time: what
pickle remembers of objects stays small then, which makes it half as dear again, and they are taken while the
next ones are made ready. What looks at all connections together stays in one process.

A report must not depend on how many worked on it. So where connections could have to do with each other
(limits that they share, sessions that one of them learns from another) all is read again by one process.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import pickle
import signal
from typing import TYPE_CHECKING, NamedTuple

from plainwire import pipeline
from plainwire.capture import reader
from plainwire.capture.sources import is_regular
from plainwire.keys import read_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import BinaryIO

    from plainwire.folder import FileSource
    from plainwire.model import CaptureItem, Report
    from plainwire.pipeline import FollowedShare
    from plainwire.progress import Through
    from plainwire.tls.keylog import KeyLog

MOST_PROCESSES = 64
_TOGETHER = 64
"""Connections that are pickled at a time (measured)."""


class _Helper(NamedTuple):
    """A process that follows a share, and the pipe on which its part comes."""

    pid: int
    pipe: int


def analyze(
    paths: Sequence[FileSource],
    keys: Sequence[FileSource] = (),
    *,
    private_keys: Sequence[FileSource] = (),
    psks: Sequence[str] = (),
    through: Through = iter,
    processes: int = 1,
) -> Report:
    """As ``pipeline.analyze``, by so many processes where ``paths`` are files that each can read.

    Raises:
        UserError: a file is missing, unreadable, or no capture file.

    """
    if processes > 1 and not private_keys and not psks and all(is_regular(str(path)) for path in paths):
        with pipeline.uncollected():
            report = _divided(paths, keys, through, min(processes, MOST_PROCESSES))
        if report is not None:
            return report
    return pipeline.analyze(paths, keys, private_keys=private_keys, psks=psks, through=through)


def _divided(
    paths: Sequence[FileSource], keys: Iterable[FileSource], through: Through, processes: int
) -> Report | None:
    """The report; None where it takes one process to make it."""
    known = read_keys(keys)
    helpers: list[_Helper] = []
    with mmap.mmap(-1, 1) as stop:
        try:
            for index in range(1, processes):
                helpers += [_started(paths, known, (index, processes), stop)]  # each at once: one may fail
            analysis = pipeline.Analysis(known, share=(0, processes))
            whole = False

            def items() -> Iterator[CaptureItem]:
                nonlocal whole
                yield from reader.read(paths)
                whole = True

            for item in through(items()):
                analysis.feed(item)
            if not whole:
                stop[0] = 1  # by a Ctrl-C
            own = analysis.part()
            others = [_received(helper) for helper in helpers]
        finally:
            for helper in helpers:
                _end(helper)
    parts = [part for part in others if part is not None]
    if len(parts) < len(others) or not analysis.joins(own, parts):
        return None
    return analysis.close()


def _started(paths: Sequence[FileSource], known: KeyLog, share: tuple[int, int], stop: mmap.mmap) -> _Helper:
    """Fork a process that follows a share of the connections. It leaves Ctrl-C to us."""
    ours, theirs = os.pipe()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        pid = os.fork()
        if pid == 0:
            status = 1
            with contextlib.suppress(BaseException):  # whatever it is: then all is read again
                os.close(ours)
                signal.signal(signal.SIGINT, signal.SIG_IGN)
                part = _followed(paths, known, share, stop)
                with os.fdopen(theirs, "wb") as pipe:
                    _send(part, pipe)
                status = 0
            os._exit(status)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    os.close(theirs)
    return _Helper(pid, ours)


def _followed(
    paths: Sequence[FileSource], known: KeyLog, share: tuple[int, int], stop: mmap.mmap
) -> FollowedShare:
    analysis = pipeline.Analysis(known, share=share)
    for item in reader.read(paths):
        analysis.feed(item)
        if stop[0]:
            break
    return analysis.part()


def _send(part: FollowedShare, pipe: BinaryIO) -> None:
    """Write a part, its connections some at a time, and how many there are ahead of them."""
    connections = part.connections
    pickle.dump((part._replace(connections=[]), len(connections)), pipe, pickle.HIGHEST_PROTOCOL)
    for first in range(0, len(connections), _TOGETHER):
        pickle.dump(connections[first : first + _TOGETHER], pipe, pickle.HIGHEST_PROTOCOL)


def _received(helper: _Helper) -> FollowedShare | None:
    """A process's part; None where it came to nothing."""
    with open(helper.pipe, "rb", closefd=False) as pipe:
        try:
            part: FollowedShare
            part, count = pickle.load(pipe)  # noqa: S301 - of our own child
            while len(part.connections) < count:
                part.connections.extend(pickle.load(pipe))  # noqa: S301
        except (EOFError, pickle.UnpicklingError):
            return None
    return part


def _end(helper: _Helper) -> None:
    """Whatever it does: a process that is done has nothing more to do."""
    os.close(helper.pipe)
    with contextlib.suppress(ProcessLookupError):
        os.kill(helper.pid, signal.SIGKILL)
    os.waitpid(helper.pid, 0)
