"""Other processes, stopped by ptrace(2): what is read and written in them, system calls they make for us.

What is changed of a thread for a system call is put back behind it. Signals that come meanwhile
reach the process when it is let go.
"""

from __future__ import annotations

import contextlib
import os
import signal
import struct
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from plainwire.acquire.ptrace import HERE, asked, checked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.acquire.ptrace import Call, Registers

_TRACEME, _CONTINUE, _STEP, _DETACH = 0, 7, 9, 17  # sys/ptrace.h
_SEIZE, _INTERRUPT = 0x4206, 0x4207
_EVENT_EXEC, _EVENT_STOP = 4, 128
_TELL_OF_EXEC, _TELL_OF_CHILDREN = 1 << 4, 1 << 1 | 1 << 2 | 1 << 3  # of fork, vfork and clone
_WALL = 0x40000000  # sys/wait.h: threads too
_CLOEXEC, _RW, _SHARED = 1, 3, 1  # MFD_CLOEXEC, PROT_READ | PROT_WRITE, MAP_SHARED
_INSTRUCTION = 4  # bytes: code stands at a multiple of that, where it must
_MOST_SIGNALS = 64  # that may come while it is stopped, which takes a few milliseconds
_LOOK_AGAIN = 0.0002  # seconds
_LET_GO_WITHIN = 2.0  # seconds
HASTE = -20  # nice
_PRIORITY = struct.Struct("<Ii")
_MOST_HASTY = 4096  # records, which a pipe holds


def be_traced() -> None:
    """In a child, before it becomes another program: it stops when it has, where tracing is allowed."""
    asked(_TRACEME, 0, 0, 0)


def is_traced(pid: int) -> bool:
    """Whether a process is traced by anybody."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    return any(line.startswith("TracerPid:") and line.split()[1] != "0" for line in lines)


class EndedError(Exception):
    """The process was killed while it was stopped."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status


class OtherwiseError(Exception):
    """A process did something else than to become another program; it is let go when we end."""


def seize_for_exec(thread: int, *, of_child: bool) -> None:
    """Trace a thread, which runs on; it, or with ``of_child`` one that it starts, will stop when it has
    become another program.

    Raises:
        OSError: it may not be traced, or is gone.

    """
    checked(_SEIZE, thread, _TELL_OF_EXEC | (_TELL_OF_CHILDREN if of_child else 0))


def await_exec() -> int:
    """Wait until one is another program, of which nothing has run; its pid. This process has no children.

    Raises:
        EndedError: it ended instead.
        OtherwiseError: it stopped for something else.

    """
    for _ in range(_MOST_SIGNALS):
        stopped, status = os.waitpid(-1, _WALL)  # not by its number, which may change
        if not os.WIFSTOPPED(status):
            raise EndedError(os.waitstatus_to_exitcode(status))
        event = status >> 16
        if event == _EVENT_EXEC:
            return stopped
        if event == _EVENT_STOP and os.WSTOPSIG(status) != signal.SIGTRAP:  # as SIGSTOP does
            break
        asked(_CONTINUE, stopped, 0, 0 if event else os.WSTOPSIG(status))
    raise OtherwiseError


class Stopped:
    """A thread that has stopped, of a process of which no other thread runs."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._memory = -1
        self._held: list[int] = []

    def open(self) -> None:
        """Its memory, from now on to be read and written."""
        self._memory = os.open(f"/proc/{self.pid}/mem", os.O_RDWR | os.O_CLOEXEC)

    def wait(self, again: int = _STEP) -> None:
        """Wait until it has stopped by what we had it do; behind other stops it goes on by ``again``."""
        for _ in range(_MOST_SIGNALS):
            _, status = os.waitpid(self.pid, os.WUNTRACED | _WALL)
            if not os.WIFSTOPPED(status):
                raise EndedError(os.waitstatus_to_exitcode(status))
            if status >> 16 == 0 and os.WSTOPSIG(status) == signal.SIGTRAP:
                return
            if status >> 16 == 0:
                self._held.append(os.WSTOPSIG(status))
            checked(again, self.pid, 0)
        raise OSError(0, "it gets too many signals")

    def step(self) -> None:
        """Out of the system call that it has stopped in."""
        checked(_STEP, self.pid, 0)
        self.wait()

    def let_go(self) -> None:
        """Nothing traces it any more."""
        self.close()
        asked(_DETACH, self.pid, 0, 0)
        self.send_held(self.pid)

    def send_held(self, pid: int) -> None:
        """Send the signals that came meanwhile."""
        for number in self._held:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def close(self) -> None:
        """Its memory, where it was opened."""
        if self._memory >= 0:
            os.close(self._memory)
            self._memory = -1

    def read(self, address: int, count: int) -> bytes:
        """Its memory, or less where that ends."""
        return os.pread(self._memory, count, address)

    def write(self, address: int, data: bytes) -> None:
        """Also where it could not write itself: its pages are copied then."""
        if os.pwrite(self._memory, data, address) != len(data):
            raise OSError(0, "its memory was written in part")

    def call(self, number: int, *arguments: int) -> int:
        """Let the process make a system call; the result is below 0 where it failed."""
        kept = HERE.read(self.pid)
        used, at = HERE.copied(kept), kept[HERE.at]
        for register, value in zip(HERE.given, (number, *arguments), strict=False):
            used[register] = value & (1 << 64) - 1
        code = self.read(at, len(HERE.call))
        self.write(at, HERE.call)
        HERE.write(self.pid, used)
        try:
            checked(_STEP, self.pid, 0)
            self.wait()
            used = HERE.read(self.pid)
        except OSError:
            self._put_back(kept, at, code)
            raise
        self._put_back(kept, at, code)
        if used[HERE.at] != at + len(HERE.call):
            raise OSError(0, "it did not do what it was to do")
        return _signed(used[HERE.result])

    def calls(self, room: int, several: Sequence[Call], data: bytes = b"") -> list[int]:
        """Let the process make system calls one behind the other, six at a time without us: each time that it
        has to wait for a processor costs more than the calls. Results as of ``call``.

        ``room``: a page of code, in which no thread runs meanwhile. ``data`` stands at its start then.
        """
        results: list[int] = []
        for first in range(0, len(several), len(HERE.kept)):
            results += self._calls(room, several[first : first + len(HERE.kept)], data)
        return results

    def _calls(self, room: int, several: Sequence[Call], data: bytes) -> list[int]:
        code = HERE.code_of(several)
        begin = len(data) + (-len(data) % _INSTRUCTION)
        written = data.ljust(begin, b"\0") + code
        kept, there = HERE.read(self.pid), self.read(room, len(written))
        if len(there) != len(written):
            raise OSError(0, "there is no room in its code")
        used = HERE.copied(kept)
        used[HERE.at] = room + begin
        self.write(room, written)
        HERE.write(self.pid, used)
        try:
            checked(_CONTINUE, self.pid, 0)
            self.wait(_CONTINUE)
            used = HERE.read(self.pid)
        except OSError:
            self._put_back(kept, room, there)
            raise
        self._put_back(kept, room, there)
        if used[HERE.at] != room + len(written) - len(HERE.trap) + HERE.behind_trap:
            raise OSError(0, "it did not do what it was to do")
        return [_signed(used[at]) for at in HERE.kept[: len(several)]]

    def share(self, page: int, name: bytes, size: int) -> tuple[int, int]:
        """Let the process make memory that it shares with us (memfd_create(2)): where it has it, and our
        descriptor. ``page`` has room for its name.

        Raises:
            OSError: it may not.

        """
        self.write(page, name + b"\0")
        theirs = _made(self.call(HERE.numbers.memfd_create, page, _CLOEXEC))
        try:
            memory = os.open(f"/proc/{self.pid}/fd/{theirs}", os.O_RDWR | os.O_CLOEXEC)
            try:
                os.ftruncate(memory, size)
                return _made(self.call(HERE.numbers.mmap, 0, size, _RW, _SHARED, theirs, 0)), memory
            except BaseException:
                os.close(memory)
                raise
        finally:
            self.call(HERE.numbers.close, theirs)

    def stands_at(self) -> int:
        """The address of its next instruction."""
        return int(HERE.read(self.pid)[HERE.at])

    def _put_back(self, registers: Registers, at: int, code: bytes) -> None:
        self.write(at, code)
        HERE.write(self.pid, registers)


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _made(result: int) -> int:
    if result < 0:
        raise OSError(-result, f"it may not share memory ({os.strerror(-result)})")
    return result


class NotStoppedError(Exception):
    """A thread did not stop in time: it waits for the kernel, or for the child of its vfork(2)."""


class Haste:
    """Threads of others that have a high priority for a moment (nice(2)), where we may give it.

    What they had is written to ``record`` first, a descriptor, so that somebody else can give it back where
    we are killed meanwhile: see ``given_back``.
    """

    def __init__(self, record: int = -1) -> None:
        self._record = record
        self._had: dict[int, int] = {}

    def give(self, thread: int) -> None:
        """Where it has a lower one."""
        with contextlib.suppress(OSError):
            had = os.getpriority(os.PRIO_PROCESS, thread)
            if had <= HASTE:
                return
            if self._record >= 0:
                os.write(self._record, _PRIORITY.pack(thread, had))
            os.setpriority(os.PRIO_PROCESS, thread, HASTE)
            self._had[thread] = had

    def take_back(self) -> None:
        """From all that have it."""
        for thread, had in self._had.items():
            _put_back_priority(thread, had)
        self._had.clear()


def given_back(record: int) -> None:
    """Give those threads their priority back that one of ours had given haste when it was killed."""
    for thread, had in _PRIORITY.iter_unpack(os.read(record, _PRIORITY.size * _MOST_HASTY)):
        _put_back_priority(thread, had)


def _put_back_priority(thread: int, had: int) -> None:
    with contextlib.suppress(OSError):  # it has ended
        if os.getpriority(os.PRIO_PROCESS, thread) == HASTE:
            os.setpriority(os.PRIO_PROCESS, thread, had)


class StoppedProcess:
    """A running process of which every thread is stopped, from ``__enter__`` to ``__exit__``.

    ``hand`` is the thread that does what is asked for; ``seconds``, how long threads stood, at most. For a
    process of ours that ends behind it: see ``_let_go``. Meanwhile its threads have ``haste``, where that is
    allowed: on a busy machine it would stand mostly because it, too, waits for a processor.

    Raises:
        OSError: it may not be traced, or is gone.
        NotStoppedError: not all stopped within ``within`` seconds.

    """

    def __init__(self, pid: int, within: float, haste: Haste | None = None) -> None:
        self._pid, self._within = pid, within
        self._haste = haste or Haste()
        self._threads: dict[int, int] = {}  # with the signal that each was about to get
        self.seconds = 0.0
        self._ran = 0.0  # when it was last seen that none of them stood yet
        self.hand = Stopped(pid)

    def __enter__(self) -> Self:
        self._ran = time.monotonic()
        try:
            self._stop_all(self._ran + self._within)
            self._choose_hand()
        except BaseException:
            self._let_go()
            raise
        return self

    def _choose_hand(self) -> None:
        """A thread that is not about to get a signal."""
        quiet = [thread for thread, held in self._threads.items() if not held]
        if not quiet:
            raise NotStoppedError
        self.hand = Stopped(self._pid if self._pid in quiet else quiet[0])
        self.hand.open()

    def __exit__(self, *_: object) -> None:
        self.hand.close()
        self._let_go()

    def __len__(self) -> int:
        return len(self._threads)

    def stand_at(self) -> list[int]:
        """Where its threads go on."""
        return [Stopped(thread).stands_at() for thread in self._threads]

    def _stop_all(self, deadline: float) -> None:
        while True:
            there = {int(thread.name) for thread in Path(f"/proc/{self._pid}/task").iterdir()}
            new = there - self._threads.keys()
            if not new:
                return
            for thread in new:
                self._ask_to_stop(thread)
            for thread in new:
                if thread in self._threads:
                    self._await(thread, deadline)

    def _ask_to_stop(self, thread: int) -> None:
        try:
            checked(_SEIZE, thread, 0)
            self._threads[thread] = 0
            self._haste.give(thread)
            checked(_INTERRUPT, thread, 0)
        except PermissionError:
            if thread in self._threads or _is_ours(thread):
                raise NotStoppedError from None
            raise
        except ProcessLookupError:  # it has ended
            self._threads.pop(thread, None)
            if thread == self._pid:
                raise

    def _await(self, thread: int, deadline: float) -> None:
        """The only one is known to run as long as it is not seen to stand."""
        while True:
            looked = time.monotonic()
            found, status = os.waitpid(thread, os.WNOHANG | _WALL)
            if found and not os.WIFSTOPPED(status):
                del self._threads[thread]
                return
            if found:
                self._threads[thread] = 0 if status >> 16 else os.WSTOPSIG(status)
                return
            if len(self._threads) == 1:
                self._ran = looked
            if looked > deadline:
                raise NotStoppedError
            time.sleep(_LOOK_AGAIN)

    def _let_go(self) -> None:
        """One that has not stopped cannot be let go until it does; if that takes long, the kernel does so at
        our own end.
        """
        self._haste.take_back()
        late = [t for t, held in self._threads.items() if asked(_DETACH, t, 0, held) != 0]
        self.seconds = time.monotonic() - self._ran
        looked = time.monotonic()
        end = looked + _LET_GO_WITHIN
        while late and looked < end:
            time.sleep(_LOOK_AGAIN)
            before, looked = looked, time.monotonic()
            left = [thread for thread in late if not _let_go_late(thread)]
            if len(left) < len(late):
                self.seconds += time.monotonic() - before
            late = left
        self.hand.send_held(self._pid)


def _is_ours(thread: int) -> bool:
    """Whether we trace a thread already: it did not stop when it was asked to before."""
    try:
        status = Path(f"/proc/{thread}/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return True  # it is ending
    return f"TracerPid:\t{os.getpid()}\n" in status or "State:\tZ" in status or "State:\tX" in status


def _let_go_late(thread: int) -> bool:
    """Let a thread go that was asked to stop, if it has stopped by now; True where nothing is left to do."""
    try:
        found, status = os.waitpid(thread, os.WNOHANG | _WALL)
    except ChildProcessError:
        return True
    if found and os.WIFSTOPPED(status):
        asked(_DETACH, thread, 0, 0 if status >> 16 else os.WSTOPSIG(status))
    return bool(found)
