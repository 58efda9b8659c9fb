"""What is recorded: a program that is started, processes that run already, or the whole host."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import TYPE_CHECKING, Protocol

import orjson

from plainwire import sudo
from plainwire.acquire import kernel_sockets, processes
from plainwire.acquire.attached import AttachedProgram
from plainwire.acquire.launch import launch
from plainwire.acquire.supervise import ProgramEnd
from plainwire.opened_before import OpenedBefore
from plainwire.recorder.inbox import Tail, reopened
from plainwire.recording import without_secrets

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from plainwire.acquire.launch import Program
    from plainwire.acquire.patcher import Patcher
    from plainwire.acquire.via import Via
    from plainwire.case import Case
    from plainwire.folder import FileSource
    from plainwire.recorder.ring import SegmentRing

_LOOK_BEFORE = 60.0
"""Seconds for which secrets of connections that were open at the start are looked for."""
_POLLED = 0.5
"""Seconds between two looks at the sockets of a program that does not tell of them."""

POLLED = (
    "Which connections are the program's was looked up twice a second: of shorter ones only those are kept "
    "whose secrets it told."
)


class RecordedSource(Protocol):
    """What is recorded."""

    def begin(self, capture: FileSource) -> None:
        """Begin; packets are captured by now, the first of them into this file."""

    def look(self, ring: SegmentRing) -> None:
        """Take what has come since the last look."""

    def ended(self) -> ProgramEnd | None:
        """How it ended, once it has."""

    def send(self, number: int) -> bool:
        """Pass a signal on; whether anybody got it."""

    @property
    def lost(self) -> int:
        """Secrets that were lost."""

    def blank(self) -> None:
        """Erase what was taken from where it was."""

    def stop(self) -> None:
        """It has ended, or is to be left alone again. What it told last can still be taken."""

    def finish(self) -> None:
        """Everything was taken."""


class KeyLogs:
    """Key log files of the user's, which are read and left as they are."""

    def __init__(self, paths: Sequence[tuple[Path, int]]) -> None:
        """``paths``: with the byte at which what is new begins."""
        self._waiting = list(paths)
        self._tails: list[Tail] = []

    def take(self) -> list[bytes]:
        """The lines that have come. A file that is not there yet may come."""
        for path, start in list(self._waiting):
            with contextlib.suppress(OSError), sudo.as_caller():
                flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
                self._tails.append(Tail(os.open(path, flags), start, erases=False))
                self._waiting.remove((path, start))
        return [line for tail in self._tails for line in tail.take()]

    def close(self) -> None:
        """Let go of them."""
        for tail in self._tails:
            tail.close()


class HostSource:
    """Nobody in particular: the key logs that are there, and packets of everybody."""

    lost = 0

    def __init__(self, key_logs: Sequence[Path]) -> None:
        self._keys = KeyLogs([(path, 0) for path in key_logs])

    def begin(self, capture: FileSource) -> None:
        """See ``RecordedSource``."""

    def look(self, ring: SegmentRing) -> None:
        """See ``RecordedSource``."""
        ring.add_keys(self._keys.take())

    def ended(self) -> ProgramEnd | None:
        """See ``RecordedSource``: a host does not end."""
        return None

    def send(self, number: int) -> bool:  # noqa: ARG002 - nobody gets it
        """See ``RecordedSource``."""
        return False

    def blank(self) -> None:
        """See ``RecordedSource``."""

    def stop(self) -> None:
        """See ``RecordedSource``."""

    def finish(self) -> None:
        """See ``RecordedSource``."""
        self._keys.close()


class _Inbox:
    """The two files that a program writes, or that are written for it."""

    def __init__(self, case: Case) -> None:
        made = case.place.made
        self._keys = Tail(reopened(made[case.keys.name]))
        self._events = Tail(reopened(made[case.program.name]))

    def take(self, ring: SegmentRing) -> None:
        ring.add_keys(self._keys.take())
        ring.add_events(self._events.take())

    def blank(self) -> None:
        self._keys.blank()
        self._events.blank()

    def close(self) -> None:
        self._keys.close()
        self._events.close()


class LaunchedSource:
    """A program that is started."""

    def __init__(
        self, command: Sequence[str], inbox: Case, key_logs: Sequence[Path], via: Via, *, restore: bool
    ) -> None:
        self._command, self._case, self._via, self._restore = command, inbox, via, restore
        self._given = list(key_logs)
        self._program: Program | None = None
        self._sinks: list[Tail] = []
        self._user = sudo.caller()
        self._confirmed: set[tuple[str, str]] = set()
        self._polled: set[tuple[str, str]] = set()
        self._next, self._said = 0.0, False

    def begin(self, capture: FileSource) -> None:  # noqa: ARG002 - nothing was open before it began
        """See ``RecordedSource``.

        Raises:
            UserError: the command cannot be started.

        """
        self._program = launch(
            self._command,
            self._case,
            without_secrets,
            restore=self._restore,
            via=self._via,
            witnessed=False,
        )
        self._inbox = _Inbox(self._case)
        logs = [(path, 0) for path in self._given]
        for path, start, is_ours in self._program.outlets():
            if is_ours:
                self._sinks.append(Tail(os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC), start))
            else:
                logs.append((path, start))
        self._logs = KeyLogs(logs)

    @property
    def _running(self) -> Program:
        assert self._program is not None  # noqa: S101 - it was begun
        return self._program

    def look(self, ring: SegmentRing) -> None:
        """See ``RecordedSource``."""
        ring.add_keys(self._running.take())
        self._inbox.take(ring)
        ring.add_keys(self._logs.take())
        for sink in self._sinks:
            lines = sink.take()
            ring.add_events(lines)
            ring.add_keys(lines)
        if self._user is not None:
            now = kernel_sockets.open_sockets(self._user.uid)
            ring.add_own(now - self._confirmed)
            self._confirmed = now
        if self._running.unwatched and time.monotonic() >= self._next:
            self._next = time.monotonic() + _POLLED
            self._poll(ring)

    def _poll(self, ring: SegmentRing) -> None:
        pids = processes.descendants([self._running.pid])
        there = {(ends, pid) for pid in pids for ends in kernel_sockets.of_process(pid)}
        for (local, peer), pid in there:
            if (local, peer) not in self._polled:
                event = {"event": "connect", "time": time.time(), "pid": pid, "tid": pid, "command": ""}
                ring.add_events([orjson.dumps({**event, "local": local, "peer": peer})])
        if not self._said:
            self._said = True
            ring.add_events([orjson.dumps({"event": "note", "text": POLLED})])
        self._polled = {ends for ends, _ in there}

    def ended(self) -> ProgramEnd | None:
        """See ``RecordedSource``."""
        status = self._running.poll()
        if status is None:
            return None
        returned = self._running.returned
        return ProgramEnd(signal=-returned) if returned < 0 else ProgramEnd(status=status)

    def send(self, number: int) -> bool:
        """See ``RecordedSource``. Ctrl-C of the terminal has reached the program already."""
        if number != signal.SIGINT or not _is_in_foreground():
            with contextlib.suppress(OSError):
                self._running.send_signal(number)
        return True

    @property
    def lost(self) -> int:
        """See ``RecordedSource``."""
        return self._running.lost

    def blank(self) -> None:
        """See ``RecordedSource``."""
        self._inbox.blank()
        for sink in self._sinks:
            sink.blank()

    def stop(self) -> None:
        """See ``RecordedSource``."""

    def finish(self) -> None:
        """See ``RecordedSource``."""
        self._inbox.close()
        self._logs.close()
        for sink in self._sinks:
            sink.close()
        self._running.let_go()


class AttachedSource:
    """Processes that run already."""

    def __init__(
        self, pids: Sequence[int], inbox: Case, patcher: Patcher, key_logs: Sequence[Path], *, children: bool
    ) -> None:
        self._patcher = patcher
        self._program = AttachedProgram(
            pids, inbox, patcher, without_secrets, children=children, witnessed=False
        )
        self._inbox = _Inbox(inbox)
        self._logs = KeyLogs([(path, 0) for path in key_logs])
        self._before: OpenedBefore | None = None
        self._until = 0.0
        self._over = False

    @property
    def pid(self) -> int:
        """Of the first process, whose network is captured."""
        return self._program.pid

    def begin(self, capture: FileSource) -> None:
        """See ``RecordedSource``."""
        opened = self._program.begin()
        self._before = OpenedBefore(capture, opened)
        self._until = time.monotonic() + _LOOK_BEFORE

    def look(self, ring: SegmentRing) -> None:
        """See ``RecordedSource``."""
        if not self._over:
            self._program.look()
        new = self._program.new_connections()
        if self._before is not None:
            self._before.add(new)
            self._program.add_found(self._before.look())
            if time.monotonic() > self._until:
                self._before.stop()
                self._before = None
        self._inbox.take(ring)
        ring.add_keys(self._logs.take())

    def ended(self) -> ProgramEnd | None:
        """See ``RecordedSource``: how, only their parent knows."""
        return None if self._program.alive else ProgramEnd()

    def send(self, number: int) -> bool:  # noqa: ARG002 - they are not ours to end
        """See ``RecordedSource``."""
        return False

    @property
    def lost(self) -> int:
        """See ``RecordedSource``."""
        return self._program.lost

    def blank(self) -> None:
        """See ``RecordedSource``."""
        self._inbox.blank()

    def stop(self) -> None:
        """See ``RecordedSource``."""
        self._over = True
        if self._before is not None:
            self._before.stop()
            self._before = None
        self._program.finish()

    def finish(self) -> None:
        """See ``RecordedSource``."""
        self._inbox.close()
        self._logs.close()
        self._patcher.close()


def _is_in_foreground() -> bool:
    try:
        return os.isatty(0) and os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False
