"""A process that looks at segments and makes cases, behind everything else that the machine has to do.

It is forked before anything is begun, and asked through a pair of sockets, one job after the other. Each time
a fork of it does the work: what a job took in memory is given back, and what a bug breaks is one job. Its
modules are imported once, here; the recorder itself goes without them.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from plainwire.guard import hold_only
from plainwire.recorder.jobs import Examined, Interest, Saved
from plainwire.recorder.ring import RingSegment  # noqa: TC001 - msgspec reads it

if TYPE_CHECKING:
    from plainwire.recorder.home import Home

_LONGEST = 1 << 17  # bytes of a message
_NICE = 15
_DEAF_TO = (
    signal.SIGINT,
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGQUIT,
    signal.SIGTSTP,
    signal.SIGPIPE,
    signal.SIGUSR1,
)


class Examine(Struct, tag=True):
    """Look at a segment, with the one before it."""

    before: RingSegment | None
    segment: RingSegment


class Save(Struct, tag=True):
    """Make a case of segments."""

    segments: list[RingSegment]
    because: str
    at: float


Job = Examine | Save


class _Outcome(Struct):
    examined: Examined | None = None
    saved: Saved | None = None


class Examiner:
    """The process, running. One job at a time."""

    def __init__(self, home: Home, wanted: Interest) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._pid = os.fork()
        if self._pid == 0:
            ours.close()
            _live(theirs, home, wanted)
        theirs.close()
        self._socket = ours
        self.job: Job | None = None

    @property
    def descriptor(self) -> int:
        """Readable when a job is done."""
        return self._socket.fileno()

    def begin(self, job: Job) -> None:
        """Do something; nothing else may be under way."""
        self.job = job
        with contextlib.suppress(OSError):
            self._socket.send(msgspec.json.encode(job))

    def take(self) -> Examined | Saved | None:
        """What came of the job, once it is done; None while it is not."""
        job = self.job
        self._socket.settimeout(0.001)
        try:
            data = self._socket.recv(_LONGEST)
        except TimeoutError:
            return None
        self.job = None
        if not data and job is not None:
            return _failed(job, "the process that examines is gone")
        answer = msgspec.json.decode(data, type=_Outcome)
        return answer.examined or answer.saved

    def close(self) -> None:
        """Let it end."""
        self._socket.close()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._pid, 0)


def _failed(job: Job, why: str) -> Examined | Saved:
    if isinstance(job, Examine):
        return Examined(job.segment.number, trouble=why)
    return Saved(job.because, job.at, trouble=why)


def _live(jobs: socket.socket, home: Home, wanted: Interest) -> None:
    """The life of the process; never returns."""
    try:
        os.setsid()
        for number in _DEAF_TO:
            signal.signal(number, signal.SIG_IGN)
        hold_only(jobs.fileno(), *(each.descriptor for each in (home.place, home.ring, home.cases)))
        os.nice(_NICE)
        from plainwire.recorder import examination, saving  # noqa: F401, PLC0415 - see above

        while data := jobs.recv(_LONGEST):
            _in_a_fork(jobs, msgspec.json.decode(data, type=Job), home, wanted)
    finally:
        os._exit(0)


def _in_a_fork(answers: socket.socket, job: Job, home: Home, wanted: Interest) -> None:
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            answers.send(msgspec.json.encode(_answered(job, home, wanted)))
            status = 0
        finally:
            os._exit(status)
    if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0:
        answers.send(msgspec.json.encode(_answer(_failed(job, "the process that did it was ended"))))


def _answered(job: Job, home: Home, wanted: Interest) -> _Outcome:
    from plainwire.recorder import examination, saving  # noqa: PLC0415 - see above

    try:
        if isinstance(job, Examine):
            return _answer(examination.examine(home.ring, job.before, job.segment, wanted))
        done = saving.save(home, job.segments, job.because, job.at, wanted)
        saving.log(home, done)
        return _answer(done)
    except Exception as error:  # noqa: BLE001 - a bug costs one job
        return _answer(_failed(job, type(error).__name__))


def _answer(done: Examined | Saved) -> _Outcome:
    return _Outcome(examined=done) if isinstance(done, Examined) else _Outcome(saved=done)
