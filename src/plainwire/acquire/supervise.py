"""Stands between our parent and the program: passes signals down and its exit status up.

A signal that a process sent to us is passed on. One from the terminal (Ctrl-C, Ctrl-Z, a change of its size)
has already reached the program, which is in our process group: it must only not end us. Signals that were
ignored when we started (``nohup``) stay ignored for the program.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

PASSED_ON = frozenset(
    {
        signal.SIGHUP,
        signal.SIGINT,
        signal.SIGQUIT,
        signal.SIGTERM,
        signal.SIGUSR1,
        signal.SIGUSR2,
        signal.SIGWINCH,
        signal.SIGTSTP,
        signal.SIGCONT,
    }
)
_LOOK_AGAIN = 1.0
"""Seconds; SIGCHLD wakes us at once, this is in case it was lost."""


class ProgramEnd(Struct, frozen=True):
    """How a program ended: its exit status, or the signal that ended it."""

    status: int = 0
    signal: int = 0

    def follow(self) -> NoReturn:
        """End this process in the same way, so that our parent sees no difference."""
        if self.signal:
            _die_of(self.signal)
        _flush()
        os._exit(self.status)  # the interpreter has a status of its own where it cannot write what is left


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()


@contextlib.contextmanager
def held_signals() -> Iterator[Callable[..., ProgramEnd]]:
    """While the body runs, signals do not end us; it gets a function that waits for the program's pid, and
    calls another from time to time meanwhile.

    The program must be started in the body: handlers, unlike blocked signals, are not inherited by it.
    After the wait, which leaves the program as a zombie, signals are not heard until the end of the body.
    """
    early: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        early.append(number)

    def wait(
        pid: int, meanwhile: Callable[[], None] = lambda: None, every: float = _LOOK_AGAIN
    ) -> ProgramEnd:
        signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON | {signal.SIGCHLD})
        for number in early:
            _pass_on(pid, number)
        return _wait(pid, meanwhile, every)

    old = {n: signal.signal(n, note) for n in PASSED_ON if signal.getsignal(n) != signal.SIG_IGN}
    old[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        yield wait
    finally:
        while signal.sigtimedwait(PASSED_ON, 0):  # what ended the program is not to end our work
            pass
        for number, handler in old.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _pass_on(pid: int, number: int) -> None:
    """The pid is the program's until it is reaped; if it changed its user, we cannot signal it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _wait(pid: int, meanwhile: Callable[[], None], every: float) -> ProgramEnd:
    stopping = False
    while True:
        ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is not None:
            by_exit = ended.si_code == os.CLD_EXITED
            return ProgramEnd(status=ended.si_status) if by_exit else ProgramEnd(signal=ended.si_status)
        if stopping and os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT):
            stopping = False
            os.kill(os.getpid(), signal.SIGSTOP)
        info = signal.sigtimedwait(PASSED_ON | {signal.SIGCHLD}, every)
        meanwhile()
        if info is None or info.si_signo == signal.SIGCHLD:
            continue
        if info.si_code <= 0:  # sent by a process, not by the kernel
            _pass_on(pid, info.si_signo)
        stopping = info.si_signo == signal.SIGTSTP or (stopping and info.si_signo != signal.SIGCONT)


def _die_of(number: int) -> NoReturn:
    import resource  # noqa: PLC0415 - not needed by others

    _flush()
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if number not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    os.kill(os.getpid(), number)
    os._exit(128 + number)
