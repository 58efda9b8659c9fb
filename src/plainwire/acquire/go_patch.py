"""Secrets and words of a Go program that we start: patched before its first instruction, then let go.

Go programs need no C library, and most no loader, so that the interposer is not in them. But (*tls.Config)
.writeKeyLog is called with each secret, whether or not the program asked for a key log. So the program is
started under ptrace(2), which stops it when its file is mapped and nothing of it has run. Its function gets a
jump to a few instructions that copy label, client random and secret into memory that it shares with us: no
system call, 80 bytes of stack, no register changed. So does the function by which Go makes system calls: what
goes to standard output and error is copied, and it tells us before it becomes another program
(``go_children``). Then it is let go, and nothing traces it any more; where plainwire is killed, the program
does not notice.

On aarch64 it is the secrets only. What is not known of a program leaves it as it is.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct

from plainwire.acquire import go_calls, go_words, patching, ptrace, ring, running_patch, stub, tracing
from plainwire.acquire.patching import KeyLogFunction
from plainwire.acquire.ptrace import HERE
from plainwire.acquire.stubs import STUB

if TYPE_CHECKING:
    from collections.abc import Collection

    from plainwire.acquire.elf import Elf
    from plainwire.acquire.stub import Asked
    from plainwire.acquire.target import Target

_PRIVATE_ANONYMOUS_THERE = 0x100022  # MAP_..._FIXED_NOREPLACE
_RW, _RX = 3, 5
_PAGE = 4096
_CALLS_AT = 1024  # in the page of the instructions
_SOCKETS_AT = _PAGE  # behind it
_NAME = b"plainwire"
_UNKNOWN_CALLS = "where it makes its system calls is not known: Go before 1.19 built it, or another compiler"
RIGHTS = "it has rights of its own, which the kernel takes from a program that is traced"


class GoProgram(Struct, frozen=True):
    """What can be patched in a program's file. ``place``: the function that is told of its secrets, or why
    that is not known; ``calls``: where it makes its system calls, or 0; ``lowest``: its lowest address.
    """

    place: KeyLogFunction | str
    calls: int
    lowest: int


def known(file: Path | int, elf: Elf) -> GoProgram:
    """Look into a program's file."""
    return GoProgram(patching.of_go(file), patching.calls_of_go(file), elf.lowest or 0)


class DonePatch(NamedTuple):
    """``why`` secrets are not had, None where they are; the memory that is shared; whether calls on sockets
    are told of in it (``go_calls``).
    """

    why: str | None
    memory: int | None = None
    traced: bool = False


class GoMemory:
    """What a patched program shares with us."""

    def __init__(self, program: str, memory: int, pid: int) -> None:
        self.pid = pid
        self._memory = memory
        self._ring = ring.own(program, memory, pid)

    @property
    def lost(self) -> int:
        """How many secrets came when there was no more room."""
        return self._ring.lost

    def take(self) -> tuple[list[bytes], list[dict[str, Any]]]:
        """Key log lines and events that have come since it was last asked."""
        return self._ring.take()

    def close(self, read_elsewhere: Collection[int]) -> tuple[list[bytes], list[dict[str, Any]], int]:
        """The last of them, with the program's words; and how many secrets were lost. ``read_elsewhere``:
        outputs of which it is known what went there.
        """
        said = go_words.said(self._memory, self.pid, read_elsewhere)
        lines, events = self._ring.take()
        self._ring.close()
        return lines, events + said, self._ring.lost


class GoPatch:
    """What is shared with one program. ``why`` its secrets are not had; None where they are. ``traced``: it
    tells of its calls on sockets in ``shared``, a descriptor of that memory.
    """

    def __init__(self, program: str, known: GoProgram, asked: Asked | None, *, sockets: bool = False) -> None:
        """``asked`` is told of what the program starts; ``sockets``: calls on these are to be told of."""
        self.why: str | None = "it was not started"
        self.memory: GoMemory | None = None
        self.program, self.traced, self.shared = program, False, -1
        self._known, self._asked, self._sockets = known, asked, sockets
        ptrace.function()

    @property
    def makes_calls(self) -> bool:
        """Whether it is known where it makes its system calls."""
        return bool(self._known.calls)

    @staticmethod
    def trace() -> None:
        """In the child, before it becomes the program: it stops when it has, where tracing is allowed."""
        tracing.be_traced()

    def patch(self, pid: int) -> int | None:
        """Patch the program, which has stopped or is about to, and let it go.

        Returns:
            How it ended, where it was killed meanwhile, as ``os.waitstatus_to_exitcode`` has it.

        """
        if not tracing.is_traced(pid):
            self.why = "programs may not be traced here"
            return None
        stopped = tracing.Stopped(pid)
        try:
            stopped.wait()
            done = patched(stopped, self._known, self._asked, sockets=self._sockets)
            self.why, self.traced = done.why, done.traced
            if done.memory is not None:
                self.shared = done.memory
                self.memory = GoMemory(self.program, done.memory, pid)
        except OSError as error:
            self.why = f"it could not be written to ({error.strerror})"
        except tracing.EndedError as ended:
            return ended.status
        stopped.let_go()
        return None


def untraceable(target: Target) -> str | None:
    """Why calls on sockets of a Go program cannot be told of; None where they can."""
    if go_calls.compiled() is None:
        return "where Go programs make their system calls is known on x86-64 only"
    patch = prepare(target)
    if isinstance(patch, GoPatch):
        return None if patch.makes_calls else _UNKNOWN_CALLS
    return patch


def prepare(target: Target, asked: Asked | None = None, *, sockets: bool = False) -> GoPatch | str | None:
    """What a Go program is to be patched by; or why it cannot be; None for all other programs."""
    if target.elf is None or not target.elf.go:
        return None
    if not ptrace.IS_KNOWN:
        return "Go programs can be patched on x86-64 and aarch64 only"
    path = Path(target.program)
    try:
        if has_rights(path):
            return RIGHTS
        program = known(path.resolve(), target.elf)
    except OSError:
        return "it could not be looked into"
    if isinstance(program.place, str) and not program.calls:
        return program.place
    return GoPatch(os.path.realpath(path), program, asked, sockets=sockets)


def has_rights(path: Path) -> bool:
    """Whether a file runs as another user, or with capabilities (setcap)."""
    if path.stat().st_mode & (stat.S_ISUID | stat.S_ISGID):
        return True
    try:
        return bool(os.getxattr(path, "security.capability"))
    except OSError:
        return False


def patched(
    process: tracing.Stopped, program: GoProgram, asked: Asked | None, *, sockets: bool = False
) -> DonePatch:
    """Patch a process that has stopped at the start of its file. ``sockets``: it is to tell of its calls on
    these.
    """
    lowest = _lowest(process.pid, str(Path(f"/proc/{process.pid}/exe").readlink()))
    process.open()
    offset = lowest - program.lowest
    place, calls = program.place, program.calls and program.calls + offset
    if (
        isinstance(place, KeyLogFunction)
        and process.read(place.function + offset, len(place.code)) != place.code
    ):
        place = "its code is not where it should be"
    if calls and process.read(calls, len(stub.CALLS)) != stub.CALLS:
        calls = 0
    why = place if isinstance(place, str) else None
    if why is not None and not calls:
        return DonePatch(why)
    sockets = sockets and bool(calls) and go_calls.compiled() is not None
    size = _PAGE + (go_calls.ROOM if sockets else 0)
    page = running_patch.page_near(running_patch.mappings(process.pid), lowest, size)
    if not page or process.call(HERE.numbers.mmap, page, size, _RW, _PRIVATE_ANONYMOUS_THERE, -1, 0) != page:
        return DonePatch("there is no room near it")
    shared, memory, sockets = _shared(process, page, sockets=sockets)
    if isinstance(place, KeyLogFunction):
        process.write(page, STUB.instructions(page, shared, place, offset, 0))
    led_to = _write_calls(process, page, shared, calls, asked, sockets=sockets) if calls else 0
    if process.call(HERE.numbers.mprotect, page, size, _RX) != 0:
        os.close(memory)
        return DonePatch("code of ours cannot be made executable in it")
    if isinstance(place, KeyLogFunction) and not STUB.reaches(place.function + offset, page):
        why = "there is no room near it"
    elif isinstance(place, KeyLogFunction):
        at = place.function + offset
        process.write(at, STUB.jump(at, page, place.covered))
    if calls:
        process.write(calls, stub.jump(calls, led_to, stub.CALLS_COVERED))
    return DonePatch(why, memory, sockets)


def _write_calls(
    process: tracing.Stopped, page: int, shared: int, calls: int, asked: Asked | None, *, sockets: bool
) -> int:
    """What its system calls are to be led to; and where that begins."""
    at = page + _CALLS_AT
    process.write(at, stub.calls(at, shared, calls, asked))
    if not sockets:
        return at
    code, entry = go_calls.instructions(shared, at, calls + len(stub.CALLS), process.pid)
    process.write(page + _SOCKETS_AT, code)
    return page + _SOCKETS_AT + entry


def _shared(process: tracing.Stopped, page: int, *, sockets: bool) -> tuple[int, int, bool]:
    """Memory that is shared with it: where it is, our descriptor, and whether it has room for calls on
    sockets, for which there may be too little (ulimit -v).
    """
    if sockets:
        try:
            shared, memory = process.share(page, _NAME, go_calls.SIZE)
        except OSError:
            pass
        else:
            go_calls.allow(memory)
            return shared, memory, True
    return *process.share(page, _NAME, go_words.SIZE), False


def _lowest(pid: int, program: str) -> int:
    """The lowest address at which the program's file is mapped."""
    found = [each.start for each in running_patch.mappings(pid) if each.path == program]
    if not found:
        raise OSError(0, "its file is not mapped")
    return min(found)
