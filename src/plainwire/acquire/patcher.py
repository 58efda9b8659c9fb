"""A process of ours that patches others and puts them back, also where plainwire itself is killed.

It is forked before anything else is begun, and asked through a pair of sockets. When that ends, for whatever
reason, all that was patched is put back. Each time a fork of it does the work: a thread that does not stop in
time is let go by the kernel when the fork ends. No signal of the terminal reaches it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from typing import TYPE_CHECKING

import msgspec

from plainwire.acquire import processes, running_patch
from plainwire.acquire.running_patch import Owner, Patched, WantedPatch
from plainwire.acquire.tracing import HASTE, Haste, given_back

if TYPE_CHECKING:
    from collections.abc import Sequence

_LONGEST = 1 << 16  # bytes of a message
_MOST_WANTED = 64
_DEAF_TO = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP, signal.SIGPIPE)
"""The terminal's, for the program."""


class _Question(msgspec.Struct):
    pid: int = 0
    """0: put back all that there is."""
    wanted: list[WantedPatch] = msgspec.field(default_factory=list)


class _Answer(msgspec.Struct):
    patched: Patched = msgspec.field(default_factory=Patched)
    error: tuple[int, str] | None = None
    others: int = 0
    """How many processes were put back that a killed plainwire had left patched."""


class Patcher:
    """The process, running."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        owner = Owner(os.getpid(), processes.started(os.getpid()))
        self._pid = os.fork()
        if self._pid == 0:
            ours.close()
            _live(theirs, owner)
        theirs.close()
        self._socket = ours

    def patch(self, pid: int, wanted: Sequence[WantedPatch]) -> tuple[Patched, int | None]:
        """As ``running_patch.patch``, which see."""
        answer, memory = self._ask(_Question(pid, list(wanted[:_MOST_WANTED])))
        if answer.error is not None:
            raise OSError(*answer.error)
        return answer.patched, memory

    def put_back(self) -> tuple[Patched, int]:
        """Put back all processes that were patched; and how many a killed plainwire had left."""
        answer, _ = self._ask(_Question())
        return answer.patched, answer.others

    def close(self) -> None:
        """Let it put back what is left, and end."""
        self._socket.close()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._pid, 0)

    def _ask(self, question: _Question) -> tuple[_Answer, int | None]:
        self._socket.send(msgspec.json.encode(question))
        data, descriptors, _, _ = socket.recv_fds(self._socket, _LONGEST, 1)
        for descriptor in descriptors:
            os.set_inheritable(descriptor, False)  # noqa: FBT003 - what it is called with
        if not data:
            raise OSError(0, "the process that was to do it is gone")
        return msgspec.json.decode(data, type=_Answer), descriptors[0] if descriptors else None


def _live(questions: socket.socket, owner: Owner) -> None:
    """The life of the fork; never returns."""
    try:
        stand_apart(questions.fileno())
        while data := questions.recv(_LONGEST):
            _in_a_fork(questions, msgspec.json.decode(data, type=_Question), owner)
        _in_a_fork(None, _Question(), owner)
    finally:
        os._exit(0)


def stand_apart(*kept: int) -> None:
    """Let a fork of ours live beside the program. All descriptors but ``kept`` are closed: somebody may wait
    for the other end of what we have inherited.
    """
    os.setsid()
    for number in _DEAF_TO:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    first = 3
    for descriptor in sorted(kept):
        os.closerange(first, descriptor)
        first = descriptor + 1
    os.closerange(first, os.sysconf("SC_OPEN_MAX"))


def make_haste() -> None:
    """Another program waits for us."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, HASTE)


def _in_a_fork(answers: socket.socket | None, question: _Question, owner: Owner) -> None:
    reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    pid = os.fork()
    if pid == 0:
        try:
            make_haste()
            answer, memory = _answered(question, owner, Haste(writing))
            if answers is not None:
                data = [msgspec.json.encode(answer)]
                socket.send_fds(answers, data, [] if memory is None else [memory])
        finally:
            os._exit(0)
    os.close(writing)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        with contextlib.suppress(OSError):
            given_back(reading)
    os.close(reading)


def _answered(question: _Question, owner: Owner, haste: Haste) -> tuple[_Answer, int | None]:
    if not question.pid:
        return _all_put_back(owner, haste), None
    try:
        patched, memory = running_patch.patch(question.pid, question.wanted, owner, haste)
    except OSError as error:
        return _Answer(error=(error.errno or 0, error.strerror or "")), None
    return _Answer(patched), memory


def _all_put_back(owner: Owner, haste: Haste) -> _Answer:
    answer = _Answer()
    for pid in running_patch.left_over(owner):
        with contextlib.suppress(OSError):
            others = running_patch.owner_of(pid) != owner
            done = running_patch.undo(pid, haste)
            answer.others += others
            answer.patched.seconds = max(answer.patched.seconds, done.seconds)
            if done.why:
                answer.patched.why[pid] = done.why[0]
    return answer
