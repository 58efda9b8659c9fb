"""Programs that run already: their secrets from now on, and whose connections are whose.

The libraries that a process has mapped are looked into from outside (``patching``); what can be patched is,
by ``patcher``. This is repeated for libraries that are loaded later. A process that comes of one of them by
fork has the patch, and shares its memory with us; one that runs another program has to be looked at anew,
which is done for descendants where they are asked for.

Whose connections: those of their sockets, from /proc and, as root, from the kernel's own events
(``kernel_sockets``), and those whose secrets they told.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import select
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from plainwire.acquire import (
    elf,
    events,
    interposer,
    kernel_sockets,
    namespaces,
    patching,
    processes,
    running_patch,
    runtime,
)
from plainwire.acquire.ring import Ring
from plainwire.acquire.running_patch import WantedPatch
from plainwire.model import UserError
from plainwire.plurals import count

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from plainwire.acquire.kernel_sockets import KernelWitness
    from plainwire.acquire.memory_scan import FoundLine
    from plainwire.acquire.patcher import Patcher
    from plainwire.acquire.patching import KeyLogFunction
    from plainwire.acquire.running_patch import Mapping
    from plainwire.case import Case

LOOK_EVERY = 0.1
"""Seconds between two looks at the processes: their children, what they have loaded, what they told."""

_LABEL = b"CLIENT_HANDSHAKE_TRAFFIC_SECRET"
_RUSTLS = b"NoKeyLog"
_OTHERS = (b"client finished", b"key expansion")
"""Words of TLS that has none (RFC 5246 sections 7.4.9 and 6.3)."""
_OLD = "part of OpenSSL 1.0.2"
"""libssl's, which has no labels."""
_NSS, _NSS_KEYS = "libssl3.so", "libnss3.so"
_NSS_CALLED = "PK11_ExtractKeyValue", "PK11_GetKeyData"
_MOST_FILE = 1 << 30  # bytes of a library
_IN_MEMORY = "those of TLS 1.3 are looked for in its memory as long as a connection is open"
_NO_PATCH = f"--via memory leaves it as it is: {_IN_MEMORY}"
_START_ANEW = "start the program with plainwire run to have all"


class AttachedProcess(Struct):
    """One process. ``looked_at`` are the files of its map; ``descriptor`` becomes readable at its end."""

    pid: int
    command: str
    executable: str
    descriptor: int
    looked_at: set[tuple[str, int]] = field(default_factory=set)
    libraries: list[str] = field(default_factory=list)
    ring: Ring | None = None
    unreached: bool = False
    seconds: float = 0.0


class AttachedProgram:
    """What is recorded: processes, from now until ``finish``. To a recording it is as a ``Program``."""

    def __init__(
        self,
        pids: Sequence[int],
        case: Case,
        patcher: Patcher,
        as_written: Callable[[Sequence[str]], list[str]] = list,
        *,
        children: bool = False,
        patches: bool = True,
        witnessed: bool = True,
    ) -> None:
        """Look at ``pids``, which ``begin`` attaches to; with ``children`` also at what descends from them.

        Without ``patches`` nothing is changed in them: their secrets are looked for in their memory alone.
        ``witnessed``: the kernel is asked for their sockets, which it tells at the end; else they are looked
        for in /proc all the time.

        Raises:
            UserError: one of them is not there, or may not be traced.

        """
        self.processes: dict[int, AttachedProcess] = {}
        self.unwatched, self.witnessed = False, False
        self.confirmed: set[tuple[str, str]] | None = None
        self.sent: list[kernel_sockets.Sent] | None = None
        self.stopped_longest = 0.0
        self._case, self._patcher, self._children = case, patcher, children
        self._patches = patches
        self._functions: dict[tuple[str, int], list[KeyLogFunction] | str] = {}
        self._lowest: dict[tuple[str, int], int] = {}
        self._sockets: dict[tuple[str, str], int] = {}
        self._left = 0
        self._new: list[tuple[tuple[str, str], int]] = []
        self._late: set[tuple[str, str]] = set()
        for pid in dict.fromkeys(pids):
            self.processes[pid] = _opened(pid)
        with contextlib.suppress(OSError):
            _, left = patcher.put_back()
            self._left = left
        self.pid = pids[0]
        for name in (case.keys.name, case.program.name):
            case.place.make(name, os.O_RDWR | os.O_APPEND)
        self._journal = case.place.made[case.program.name]
        command = as_written(processes.command_line(self.pid))
        self._tell({"event": "start", "time": time.time(), "command": command, "pid": self.pid})
        if self._left:
            who = count(self._left, "process")
            self.note(f"{who} that a killed plainwire had left patched, put back")
        self._witness: KernelWitness | None = kernel_sockets.watch(self._threads()) if witnessed else None
        for process in self.processes.values():
            self._begin(process)
            for mapping in running_patch.mappings(process.pid):
                if mapping.executable and mapping.path.startswith("/"):
                    self._functions_of(process.pid, mapping)

    def begin(self) -> list[tuple[int, str, str]]:
        """Attach; packets are to be captured by now.

        Returns:
            The connections that were open before: whose, and their ends, its own first.

        """
        self.look()
        for pid in self.processes:
            if not namespaces.share_network(pid, self.pid):
                self.note(f"process {pid} is in another network than {self.pid}, whose packets were captured")
        return [(pid, *ends) for ends, pid in self._sockets.items()]

    def new_connections(self) -> list[tuple[int, str, str]]:
        """Those seen since it was last asked whose secrets may not have been told: of processes with TLS that
        does not tell them, and those that a library made before it could be patched.
        """
        new, self._new = self._new, []
        return [(pid, *ends) for ends, pid in new if self.processes[pid].unreached or ends in self._late]

    def add_found(self, found: list[FoundLine]) -> None:
        """Secrets that were found in the memory of one of the processes."""
        self._add_lines([each.line for each in found])
        for each in found:
            process = self.processes[each.pid]
            self._tell(
                {
                    "event": "tls",
                    "time": time.time(),
                    "pid": process.pid,
                    "tid": process.pid,
                    "command": process.command,
                    "local": each.local,
                    "peer": each.peer,
                    "client_random": each.random.hex(),
                    "library": None,
                    "how": "memory",
                }
            )

    def _add_lines(self, lines: list[bytes]) -> None:
        if lines:
            with os.fdopen(self._case.place.appender(self._case.keys.name), "wb") as keys:
                keys.writelines(lines)

    @property
    def lost(self) -> int:
        """How many secrets they had when there was no more room for them."""
        return sum(process.ring.lost for process in self.processes.values() if process.ring is not None)

    @property
    def alive(self) -> bool:
        """Whether one of them still runs."""
        return any(not processes.has_ended(process.descriptor) for process in self.processes.values())

    def look(self) -> None:
        """Look what is new: children, libraries, secrets, sockets."""
        for pid in processes.descendants(self.processes) if self._children else ():
            if pid not in self.processes:
                with contextlib.suppress(UserError):
                    self.processes[pid] = _opened(pid)
                    self._begin(self.processes[pid])
        for process in self.processes.values():
            if not processes.has_ended(process.descriptor):
                with contextlib.suppress(OSError):
                    self._look_at(process)
            self._take(process)

    def wait(self, seconds: float = LOOK_EVERY) -> None:
        """Wait until one of them ends, at most so long."""
        poll = select.poll()
        for process in self.processes.values():
            if not processes.has_ended(process.descriptor):
                poll.register(process.descriptor, select.POLLIN)
        poll.poll(seconds * 1000)

    def finish(self) -> None:
        """Put the processes back as they were, take what they told last, and say what is known in the end."""
        with contextlib.suppress(OSError):
            done, _ = self._patcher.put_back()
            self.stopped_longest = max(self.stopped_longest, done.seconds)
            for pid, why in done.why.items():
                self.note(f"process {pid} is still patched: {why}; it works as before")
        for process in self.processes.values():
            self._take(process)
        self.note(f"no process was stopped for more than {self.stopped_longest * 1000:.0f} ms at a time")

        self._note_sockets()
        for event in runtime.identify([process.executable for process in self.processes.values()]):
            self._tell(event)
        self._close()

    def _note_sockets(self) -> None:
        if self._witness is None:
            return
        resets = self._witness.resets()
        told = self._witness.sockets()
        own = {*self._sockets, *((each.local, each.peer) for each in told or ())}
        for reset in kernel_sockets.resets_of(resets, own):
            self._tell({"event": "reset", **reset.as_event()})
        if told is not None:
            self.witnessed = True
            self._tell({"event": "witnessed", "time": time.time()})
            for each in told:
                if (each.local, each.peer) not in self._sockets:
                    self._tell({"event": "connect", **each.as_event()})

    def _close(self) -> None:
        lost = 0
        for process in self.processes.values():
            os.close(process.descriptor)
            if process.ring is not None:
                lost += process.ring.lost
                process.ring.close()
        if lost:
            self.note(f"{lost} secrets of the program were lost: there were too many")

    def discard(self) -> None:
        """Nothing came of it."""
        if self._witness is not None:
            self._witness.stop()

    # --- one process

    def _begin(self, process: AttachedProcess) -> None:
        self._tell(
            {
                "event": "process",
                "time": time.time(),
                "pid": process.pid,
                "command": process.command,
                "exe": process.executable,
            }
        )

    def _look_at(self, process: AttachedProcess) -> None:
        if self._witness is None or process.unreached or not process.looked_at:
            self._look_at_sockets(process)
        mapped = running_patch.mappings(process.pid)
        began = not process.looked_at
        new = {
            each.file: each
            for each in mapped
            if each.executable and each.path.startswith("/") and each.file not in process.looked_at
        }
        process.looked_at |= new.keys()
        wanted = []
        for file, mapping in new.items():
            functions = self._functions_of(process.pid, mapping)
            if not functions:
                continue
            if not self._patches or isinstance(functions, str):
                why = functions if isinstance(functions, str) else _NO_PATCH
                self._unreached(process, mapping.path, why)
                continue
            lowest = min(each.start for each in mapped if each.file == file)
            number = len(process.libraries)
            process.libraries.append(mapping.path)
            offset = lowest - self._lowest[file]
            called = self._called(process.pid, mapped, mapping) if functions[0].nss else ()
            if called is None:
                self._unreached(process, mapping.path, "what its keys are kept in is not to be found")
                continue
            wanted += [WantedPatch(function, offset, lowest, number, called) for function in functions]
        if wanted:
            self._patch(process, wanted)
        if wanted and not began:
            known = len(self._new)
            self._look_at_sockets(process)
            self._late |= {ends for ends, _ in self._new[known:]}

    def _patch(self, process: AttachedProcess, wanted: list[WantedPatch]) -> None:
        why = processes.why_untouchable(process.pid)
        if why is None:
            try:
                done, memory = self._patcher.patch(process.pid, wanted)
            except PermissionError:
                why = processes.why_untraceable(process.pid)
            except OSError as error:
                why = error.strerror or "it may not be traced"
            else:
                process.seconds += done.seconds
                self.stopped_longest = max(self.stopped_longest, done.seconds)
                if memory is not None:
                    process.ring = Ring(memory, process.pid, process.command, process.libraries)
                for number, reason in done.why.items():
                    self._unreached(process, process.libraries[number], reason)
        for number in {each.number for each in wanted} if why is not None else ():
            self._unreached(process, process.libraries[number], why)

    def _take(self, process: AttachedProcess) -> None:
        if process.ring is None:
            return
        lines, told = process.ring.take()
        self._add_lines(lines)
        for event in told:
            self._tell(event)

    def _look_at_sockets(self, process: AttachedProcess) -> None:
        there = kernel_sockets.of_process(process.pid)
        if self._witness is None:  # nobody asks at the end which there were
            gone = [ends for ends, pid in self._sockets.items() if pid == process.pid and ends not in there]
            for ends in gone:
                del self._sockets[ends]
        for local, peer in there:
            if (local, peer) in self._sockets:
                continue
            self._sockets[local, peer] = process.pid
            self._new.append(((local, peer), process.pid))
            self._tell(
                {
                    "event": "connect",
                    "time": time.time(),
                    "pid": process.pid,
                    "tid": process.pid,
                    "command": process.command,
                    "local": local,
                    "peer": peer,
                }
            )

    def _unreached(self, process: AttachedProcess, library: str, why: str | None) -> None:
        process.unreached = True
        self._tell({"event": "unreached", "pid": process.pid, "library": library, "why": why})

    def note(self, text: str) -> None:
        """Something to be said in the report."""
        self._tell({"event": "note", "text": text})

    def _tell(self, event: dict[str, Any]) -> None:
        events.append(self._journal, event)

    def _threads(self) -> list[int]:
        found = []
        for pid in self.processes:
            with contextlib.suppress(OSError):
                found += [int(thread.name) for thread in Path(f"/proc/{pid}/task").iterdir()]
        return found

    # --- one file

    def _functions_of(self, pid: int, mapping: Mapping) -> list[KeyLogFunction] | str:
        """What is to be patched in a file, or why nothing can be; nothing where no TLS is known of it."""
        if mapping.file not in self._functions:
            self._functions[mapping.file] = self._looked_up(pid, mapping)
        return self._functions[mapping.file]

    def _looked_up(self, pid: int, mapping: Mapping) -> list[KeyLogFunction] | str:
        name = Path(mapping.path).name
        if name == "libjvm.so":
            return f"Java does not tell the secrets of a process that runs: {_IN_MEMORY}; {_START_ANEW}"
        if name.startswith(("libcrypto", interposer.LIBRARY)):
            return []
        if name == "crypto.so" and "/crypto-" in mapping.path:
            return f"Erlang does not tell the secrets of a process that runs: {_IN_MEMORY}; {_START_ANEW}"
        descriptor = _file_of(pid, mapping)
        try:
            return [] if descriptor is None else self._in_file(descriptor, mapping)
        except OSError:
            return []
        finally:
            if descriptor is not None:
                os.close(descriptor)

    def _called(self, pid: int, mapped: list[Mapping], ssl: Mapping) -> tuple[int, ...] | None:
        """Where the functions are in a process by which NSS gives the bytes of a key; None: not known."""
        folder = Path(ssl.path).parent
        keys = next((each for each in mapped if Path(each.path) == folder / _NSS_KEYS), None)
        descriptor = _file_of(pid, keys) if keys is not None else None
        if descriptor is None or keys is None:
            return None
        try:
            path = Path(f"/proc/self/fd/{descriptor}")
            image = elf.read(path)
            found = [elf.function(path, name, 1) for name in _NSS_CALLED]
        finally:
            os.close(descriptor)
        if image is None or image.lowest is None:
            return None
        offset = min(each.start for each in mapped if each.file == keys.file) - image.lowest
        known = tuple(each[0] + offset for each in found if each is not None)
        return known if len(known) == len(_NSS_CALLED) else None

    def _in_file(self, descriptor: int, mapping: Mapping) -> list[KeyLogFunction] | str:
        known = _known_not_to_be_had(descriptor)
        image = elf.read(Path(f"/proc/self/fd/{descriptor}")) if known is not None else None
        if image is None or not image.native or image.lowest is None:
            return []
        self._lowest[mapping.file] = image.lowest
        if Path(mapping.path).name == _NSS:
            of_nss = patching.of_nss(descriptor)
            return of_nss if isinstance(of_nss, str) else [of_nss]
        if known == _OLD:
            old = patching.of_old_openssl(descriptor)
            return [] if old is None else [old]
        if of_s2n := patching.of_s2n(descriptor):
            return of_s2n
        found = patching.of_go(descriptor) if image.go else patching.of_library(descriptor)
        if isinstance(found, str):
            return f"{known}; {_START_ANEW}" if known else found
        return [found]


def _known_not_to_be_had(descriptor: int) -> str | None:
    """None where there is no TLS in a file; else what is to be said where it cannot be patched, or ``""``."""
    size = os.fstat(descriptor).st_size
    if not 0 < size <= _MOST_FILE:
        return None
    with mmap.mmap(descriptor, size, access=mmap.ACCESS_READ) as data:
        if data.find(_LABEL) < 0:
            if data.find(_OLD.encode()) >= 0:
                return _OLD
            other = all(data.find(word) >= 0 for word in _OTHERS) and not _is_token(descriptor)
            return f"its TLS tells nothing of a process that runs: {_IN_MEMORY}" if other else None
        rust = data.find(_RUSTLS) >= 0
    return f"rustls does not tell the secrets of a process that runs: {_IN_MEMORY}" if rust else ""


def _is_token(descriptor: int) -> bool:
    """Whether a library is one of PKCS #11, which derives keys for the TLS of others (NSS's libsoftokn3)."""
    return elf.function(Path(f"/proc/self/fd/{descriptor}"), "C_GetFunctionList", 1) is not None


def _file_of(pid: int, mapping: Mapping) -> int | None:
    """A descriptor of the very file that is mapped, also where another has taken its name."""
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
    for path in (
        f"/proc/{pid}/map_files/{mapping.start:x}-{mapping.end:x}",
        f"/proc/{pid}/root{mapping.path}",
    ):
        try:
            descriptor = os.open(path, flags)
        except OSError:
            continue
        status = os.fstat(descriptor)
        if stat.S_ISREG(status.st_mode) and status.st_ino == mapping.file[1]:
            return descriptor
        os.close(descriptor)
    return None


def _opened(pid: int) -> AttachedProcess:
    try:
        descriptor = os.pidfd_open(pid)
    except OSError:
        message = f"{pid}: no such process"
        raise UserError(message) from None
    try:
        running_patch.mappings(pid)
        name = Path(f"/proc/{pid}/comm").read_text(errors="replace").strip()
        executable = str(Path(f"/proc/{pid}/exe").readlink())
    except (OSError, ValueError) as error:
        os.close(descriptor)
        theirs = isinstance(error, PermissionError)
        message = f"{pid}: belongs to another user (as root: plainwire attach {pid})"
        raise UserError(message if theirs else f"{pid}: no such process") from None
    return AttachedProcess(pid, name, executable, descriptor)
