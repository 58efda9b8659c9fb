"""Secrets and words of Go programs that the program starts: each is patched (``go_patch``) when it is there.

Whoever is about to become another program by execve(2), or to start one by posix_spawn(3), says so through
an abstract socket, and waits until that is closed: Go programs by what was patched into them
(``stub.calls``), all others by the interposer (``native/interposer/follow.c``), which only asks for
programs in Go. If nobody is there any more, it goes on at once. A process of ours listens. It reads from
the other one's memory which file that is; where it is a Go program without rights of its own, a fork of it
begins to trace that thread (PTRACE_SEIZE), and closes the socket. The kernel stops the process when its new
program is mapped and nothing of it has run; it is patched, and all is let go. Nothing else is ever traced:
what is not written in Go is answered without. Where the fork is killed, the kernel lets the process go.
What Go programs inherited goes on to what they start; from programs of another width, whose loader would
complain, the interposer is taken out.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from plainwire import sudo
from plainwire.acquire import (
    elf,
    go_calls,
    go_patch,
    go_words,
    interposer,
    output_file,
    patcher,
    processes,
    ptrace,
    tracing,
)
from plainwire.acquire.go_calls import CallLog
from plainwire.acquire.go_patch import GoMemory, GoProgram
from plainwire.acquire.stub import PR_SET_PTRACER, Asked

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

_LONGEST_PATH = 4096
_MOST_PROGRAMS = 400
"""That are patched at a time; each costs a descriptor until it has ended."""
_MOST_PARENTS = 100_000
_MOST_FILES = 1000
"""Of which it is known what they are."""
_WITHIN = 1.0  # seconds, for a process that said it would become another program
_TOOLCHAIN = ("pkg", "tool")
"""Above the folder of Go's compiler and linker, which have no TLS, and of which a build starts hundreds."""
_CREDENTIALS = struct.Struct("3i")
_SIZE = struct.Struct("<Q")
_TAKE, _FINISH, _TRACE, _DRAIN = b"T", b"F", b"S", b"D"
_EVERY = 50  # milliseconds, for what programs tell of their calls on sockets
_QUESTION = struct.Struct("<2Q")
"""Where the path is in its memory; the thread, in bit 32 whether that starts a child by posix_spawn, and in
bit 33 whether it says then where the environment is, of which a copy was made for this.
"""
_PRELOAD = b"LD_PRELOAD="
_MOST_VARIABLES = 1 << 14
_SYS_PRCTL = 157
_DEEPEST = 32  # processes, one the parent of the other
_LINGER = 2.0  # seconds, for what is being patched when all is over

_File = tuple[int, int, int, int]
"""Device, inode, time of its last change, size."""


class Harvest(msgspec.Struct):
    """What was had of all those programs."""

    lines: list[bytes] = msgspec.field(default_factory=list)
    events: list[dict[str, Any]] = msgspec.field(default_factory=list)
    lost: int = 0


class GoChildren:
    """The process that listens, running."""

    def __init__(self, outlets: go_calls.Outlets | None = None) -> None:
        """``outlets``: where calls on sockets are to be told of."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        name = f"plainwire-{os.urandom(16).hex()}".encode()
        listener.bind(b"\0" + name)
        listener.listen(128)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        ptrace.function()
        self._pid = os.fork()
        if self._pid == 0:
            ours.close()
            _live(listener, theirs, Asked(name, os.getpid()), outlets)
        theirs.close()
        listener.close()
        self._socket = ours
        self.asked = Asked(name, self._pid)

    def take(self) -> Harvest:
        """What has come since it was last asked; words of those that have ended."""
        return self._asked_for(_TAKE)

    def trace(self, pid: int, program: str, memory: int) -> None:
        """Read what a program tells of its calls on sockets, too, which was patched elsewhere."""
        self._asked_for(_TRACE + b"%d\0%s" % (pid, os.fsencode(program)), [memory])

    def drain(self) -> None:
        """Write all that was told of such calls by now to the outlets."""
        self._asked_for(_DRAIN)

    def finish(self, read_elsewhere: Collection[int]) -> Harvest:
        """End it; the rest. ``read_elsewhere``: outputs of which it is known what went there."""
        harvest = self._asked_for(_FINISH + bytes(sorted(read_elsewhere)))
        self._socket.close()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self._pid, 0)
        return harvest

    def _asked_for(self, question: bytes, descriptors: Sequence[int] = ()) -> Harvest:
        try:
            socket.send_fds(self._socket, [question], descriptors)
            (size,) = _SIZE.unpack(self._socket.recv(_SIZE.size, socket.MSG_WAITALL))
            data = b""
            while len(data) < size and (piece := self._socket.recv(size - len(data))):
                data += piece
            return msgspec.msgpack.decode(data, type=Harvest)
        except (OSError, struct.error, msgspec.DecodeError):  # it is gone
            return Harvest()


def begin(outlets: go_calls.Outlets | None = None) -> GoChildren | None:
    """Listen, where Go programs can be patched. ``outlets``: where calls on sockets are to be told of."""
    if os.uname().machine != "x86_64" or interposer.compiled() is None:
        return None
    try:
        return GoChildren(outlets)
    except OSError:
        return None


# --- the process that listens -----------------------------------------------------------------------------


def _live(
    listener: socket.socket, control: socket.socket, asked: Asked, outlets: go_calls.Outlets | None
) -> NoReturn:
    """The life of the fork."""
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        patcher.stand_apart(listener.fileno(), control.fileno(), *(outlets or ()))
        patcher.make_haste()
        _Listening(listener, control, asked, outlets).serve()
    finally:
        os._exit(0)


class _Listening:
    def __init__(
        self,
        listener: socket.socket,
        control: socket.socket,
        asked: Asked,
        outlets: go_calls.Outlets | None,
    ) -> None:
        self._listener, self._control, self._asked, self._outlets = listener, control, asked, outlets
        self._logs: list[tuple[CallLog, int]] = []  # with the process's pidfd
        self._known: dict[_File, GoProgram | None] = {}
        self._results: dict[int, socket.socket] = {}
        self._programs: list[tuple[GoMemory, int]] = []  # with its pidfd
        self._parents: dict[int, int] = {}
        self._told = Harvest()
        self._poll = select.poll()

    def serve(self) -> None:
        for heard in (self._listener, self._control):
            self._poll.register(heard, select.POLLIN)
        while True:
            for ready, _ in self._poll.poll(_EVERY if self._logs else None):
                if ready == self._control.fileno():
                    question, memories, _, _ = socket.recv_fds(self._control, _LONGEST_PATH * 2, 1)
                    if question.startswith(_TRACE):
                        self._trace(question.removeprefix(_TRACE), memories)
                    elif question not in (_TAKE, _DRAIN):
                        self._finish(question.removeprefix(_FINISH))
                        return
                    self._hand_over((), drained=question == _DRAIN)
                if ready == self._listener.fileno():
                    self._accept()
                elif ready in self._results:
                    self._take(ready)
            for log, _ in self._logs:
                log.drain()
            self._reap()

    def _accept(self) -> None:
        with contextlib.suppress(OSError, struct.error, ValueError):
            connection, _ = self._listener.accept()
            with connection:
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        """It goes on when the last copy of the connection is closed."""
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        pid, uid, _ = _CREDENTIALS.unpack(credentials)
        if not self._is_ours(pid, uid) or len(self._programs) + len(self._results) >= _MOST_PROGRAMS:
            return
        connection.settimeout(_WITHIN)
        at, thread = _QUESTION.unpack(connection.recv(_QUESTION.size, socket.MSG_WAITALL))
        threads = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208 - names
        variables = thread >> 33 and _SIZE.unpack(connection.recv(_SIZE.size, socket.MSG_WAITALL))[0]
        spawning, thread = bool(thread >> 32 & 1), thread & 0xFFFFFFFF
        if str(thread) not in threads:  # it counts them otherwise, in a namespace of its own
            if spawning or len(threads) > 1:
                return
            thread = pid
        if len(self._parents) > _MOST_PARENTS:
            self._parents.clear()
        self._parents[pid] = processes.parent(pid)
        path = _named(pid, at)
        found = self._program(path)
        if found is None:
            if variables and uid == _caller():
                _leave_out(pid, path, variables)
            return
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if os.fork() == 0:
            ours.close()
            self._listener.close()
            self._control.close()
            traced = self._outlets is not None
            _trace(thread, *found, connection, theirs, self._asked, of_child=spawning, sockets=traced)
        theirs.close()
        self._results[ours.fileno()] = ours
        self._poll.register(ours, select.POLLIN)

    def _is_ours(self, pid: int, uid: int) -> bool:
        if uid == _caller():
            return True
        return os.geteuid() == 0 and os.getppid() in processes.ancestors(pid)

    def _program(self, path: Path) -> tuple[GoProgram, _File] | None:
        """None where it is not one to be traced."""
        with sudo.as_caller():
            key = _file(path)
            if key not in self._known:
                self._known[key] = _looked_into(path) if len(self._known) < _MOST_FILES else None
            found = self._known[key]
            return None if found is None or go_patch.has_rights(path) else (found, key)

    def _take(self, descriptor: int) -> None:
        """What a fork has done."""
        result = self._results.pop(descriptor)
        self._poll.unregister(descriptor)
        with result:
            data, memories, _, _ = socket.recv_fds(result, _LONGEST_PATH * 2, 1)
        if not memories:
            return
        os.set_inheritable(memories[0], False)  # noqa: FBT003 - what it is called with
        pid, traced, program = data.split(b"\0", 2)
        if int(traced):
            self._begin_log(int(pid), os.fsdecode(program), memories[0])
        memory = GoMemory(os.fsdecode(program), memories[0], int(pid))
        self._programs.append((memory, _pidfd(int(pid))))

    def _trace(self, question: bytes, memories: list[int]) -> None:
        pid, _, program = question.partition(b"\0")
        for memory in memories:
            self._begin_log(int(pid), os.fsdecode(program), memory)
            os.close(memory)

    def _begin_log(self, pid: int, program: str, memory: int) -> None:
        if self._outlets is not None:
            self._logs.append((CallLog(program, memory, pid, self._outlets), _pidfd(pid)))

    def _reap(self) -> None:
        """Of what has ended the memory is read and let go; what it was told then is filtered at the end."""
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        for each in list(self._programs):
            if each[1] < 0 or processes.has_ended(each[1]):
                self._programs.remove(each)
                self._read(*each)
        for log, process in list(self._logs):
            if process < 0 or processes.has_ended(process):
                self._logs.remove((log, process))
                _end_log(log, process)

    def _read(self, memory: GoMemory, process: int) -> None:
        lines, events, lost = memory.close(())
        self._told.lines += lines
        self._told.events += events
        self._told.lost += lost
        if process >= 0:
            os.close(process)

    def _finish(self, read_elsewhere: bytes) -> None:
        """Nothing is sent where plainwire was killed: nobody listens."""
        self._listener.close()
        ends = select.poll()
        for descriptor in list(self._results):
            ends.register(descriptor, select.POLLIN)
            ends.poll(_LINGER * 1000)
            ends.unregister(descriptor)
            self._take(descriptor)
        for each in self._programs:
            self._read(*each)
        self._programs.clear()
        for each_log in self._logs:
            _end_log(*each_log)
        self._logs.clear()
        self._hand_over(read_elsewhere)

    def _hand_over(self, read_elsewhere: Collection[int], *, drained: bool = False) -> None:
        """``drained``: only what the outlets got was asked for."""
        for log, _ in self._logs if drained else ():
            log.drain(last=True)
        if drained:
            with contextlib.suppress(OSError):
                empty = msgspec.msgpack.encode(Harvest())
                self._control.sendall(_SIZE.pack(len(empty)) + empty)
            return
        for memory, _ in self._programs:
            lines, events = memory.take()
            self._told.lines += lines
            self._told.events += events
        self._told.events = list(self._once(read_elsewhere))
        data = msgspec.msgpack.encode(self._told)
        self._told = Harvest()
        with contextlib.suppress(OSError):
            self._control.sendall(_SIZE.pack(len(data)) + data)

    def _once(self, read_elsewhere: Collection[int]) -> Iterator[dict[str, Any]]:
        """Without words of outputs that are read elsewhere, and without what a program only passes on of
        those that it started, as go does.
        """
        passed = {name for number, name in output_file.OUTPUTS.items() if number in read_elsewhere}
        by = dict[int, list[dict[str, Any]]]()
        for event in self._told.events:
            if event["event"] not in passed:
                by.setdefault(event["pid"], []).append(event)
        below = {pid: set[str]() for pid in by}
        for pid, events in by.items():
            above, said = self._parents.get(pid, 0), go_words.lines(events)
            for _ in range(_DEEPEST):
                below.setdefault(above, set()).update(said)
                above = self._parents.get(above, 0)
        for pid, events in by.items():
            yield from go_words.without(events, below[pid])


def _pidfd(pid: int) -> int:
    try:
        return os.pidfd_open(pid)
    except OSError:
        return -1


def _end_log(log: CallLog, process: int) -> None:
    log.close()
    if process >= 0:
        os.close(process)


def _caller() -> int:
    user = sudo.caller()
    return os.geteuid() if user is None else user.uid


def _leave_out(pid: int, path: Path, variables: int) -> None:
    """Take the interposer out of what a program is started with whose loader would complain of it: the one
    that starts it has no interposer that would. With no rights but its own.
    """
    with sudo.as_caller():
        headers = elf.read(path)
        if headers is None or (headers.native and not any(map(interposer.is_sanitizer, headers.needed))):
            return
        memory = os.open(f"/proc/{pid}/mem", os.O_RDWR | os.O_CLOEXEC)
    try:
        data = os.pread(memory, 8 * _MOST_VARIABLES, variables)
        pointers = [each for (each,) in struct.iter_unpack("<Q", data[: len(data) & ~7])]
        for number, pointer in enumerate(pointers[: pointers.index(0)]):
            entry = os.pread(memory, _LONGEST_PATH, pointer).partition(b"\0")[0]
            if not entry.startswith(_PRELOAD):
                continue
            others = [each for each in entry.removeprefix(_PRELOAD).split(b":") if not _is_interposer(each)]
            if others:
                os.pwrite(memory, _PRELOAD + b":".join(others) + b"\0", pointer)
            else:
                rest = pointers[number + 1 : pointers.index(0) + 1]
                os.pwrite(memory, struct.pack(f"<{len(rest)}Q", *rest), variables + 8 * number)
            return
    finally:
        os.close(memory)


def _is_interposer(path: bytes) -> bool:
    return path.endswith(b"/" + interposer.LIBRARY.encode())


def _file(path: Path) -> _File:
    status = path.stat()
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size


def _looked_into(path: Path) -> GoProgram | None:
    if path.parts[-4:-2] == _TOOLCHAIN:
        return None
    headers = elf.read(path)
    if headers is None or not headers.go or not headers.native:
        return None
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        program = go_patch.known(file, headers)  # opened here: others may not look at that process's folders
    finally:
        os.close(file)
    return None if isinstance(program.place, str) and not program.calls else program


def _named(pid: int, at: int) -> Path:
    """The file that a process names, by its own root and folder."""
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        name = os.pread(memory.fileno(), _LONGEST_PATH, at).partition(b"\0")[0]
    text = os.fsdecode(name)
    return Path(f"/proc/{pid}/root{text}" if text.startswith("/") else f"/proc/{pid}/cwd/{text}")


# --- a fork of it -----------------------------------------------------------------------------------------


def _trace(
    thread: int,
    program: GoProgram,
    file: _File,
    connection: socket.socket,
    result: socket.socket,
    asked: Asked,
    *,
    of_child: bool,
    sockets: bool,
) -> NoReturn:
    """Where the one that becomes another program is not its process's first thread, it is then."""
    try:
        with contextlib.suppress(OSError, tracing.EndedError, tracing.OtherwiseError):
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, _WITHIN)  # the kernel lets go of it when we die
            tracing.seize_for_exec(thread, of_child=of_child)
            connection.close()
            pid = tracing.await_exec()
            signal.setitimer(signal.ITIMER_REAL, 0)
            _patch(tracing.Stopped(pid), program, file, asked, result, sockets=sockets)
    finally:
        os._exit(0)


def _patch(
    process: tracing.Stopped,
    program: GoProgram,
    file: _File,
    asked: Asked,
    result: socket.socket,
    *,
    sockets: bool,
) -> None:
    done = None
    try:
        process.step()
        if _file(Path(f"/proc/{process.pid}/exe")) == file:
            done = go_patch.patched(process, program, asked, sockets=sockets)
            process.call(_SYS_PRCTL, PR_SET_PTRACER, 0, 0, 0)
    finally:
        path = str(Path(f"/proc/{process.pid}/exe").readlink())
        process.let_go()
    if done is not None and done.memory is not None:
        said = b"%d\0%d\0%s" % (process.pid, done.traced, os.fsencode(path))
        socket.send_fds(result, [said], [done.memory])
