"""Secrets and words of a Go program that we start: patched before its first instruction, then let go.

Go programs need no C library, and most no loader, so that the interposer is not in them. But (*tls.Config)
.writeKeyLog is called with each secret, whether or not the program asked for a key log. So the program is
started under ptrace(2), which stops it when its file is mapped and nothing of it has run. Its function gets a
jump to a few instructions that copy label, client random and secret into memory that it shares with us: no
system call, 80 bytes of stack, no register changed. So does the function by which Go makes system calls: what
goes to standard output and error is copied, and it tells us before it becomes another program
(``go_children``). Then it is let go, and nothing traces it any more; where plainwire is killed, the program
does not notice.

x86-64 only. What is not known of a program leaves it as it is.
"""

from __future__ import annotations

import os
import platform
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from plainwire.acquire import go_words, patching, ring, running_patch, stub, tracing
from plainwire.acquire.patching import KeyLogFunction

if TYPE_CHECKING:
    from collections.abc import Collection

    from plainwire.acquire.elf import Elf
    from plainwire.acquire.stub import Asked
    from plainwire.acquire.target import Target

_SYS_MMAP, _SYS_MPROTECT = 9, 10
_PRIVATE_ANONYMOUS_THERE = 0x100022  # MAP_..._FIXED_NOREPLACE
_RW, _RX = 3, 5
_PAGE = 4096
_CALLS_AT = 1024  # in the page of the instructions
_STEP_DOWN = 1 << 16
_NAME = b"plainwire"
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
    """What is shared with one program. ``why`` its secrets are not had; None where they are."""

    def __init__(self, program: str, known: GoProgram, asked: Asked | None) -> None:
        """``asked`` is told of what the program starts."""
        self.why: str | None = "it was not started"
        self.memory: GoMemory | None = None
        self._program, self._known, self._asked = program, known, asked
        tracing.function()

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
            self.why, memory = patched(stopped, self._known, self._asked)
            if memory is not None:
                self.memory = GoMemory(self._program, memory, pid)
        except OSError as error:
            self.why = f"it could not be written to ({error.strerror})"
        except tracing.EndedError as ended:
            return ended.status
        stopped.let_go()
        return None


def prepare(target: Target, asked: Asked | None = None) -> GoPatch | str | None:
    """What a Go program is to be patched by; or why it cannot be; None for all other programs."""
    if target.elf is None or not target.elf.go:
        return None
    if platform.machine() != "x86_64":
        return "Go programs can be patched on x86-64 only"
    path = Path(target.program)
    try:
        if has_rights(path):
            return RIGHTS
        program = known(path.resolve(), target.elf)
    except OSError:
        return "it could not be looked into"
    if isinstance(program.place, str) and not program.calls:
        return program.place
    return GoPatch(os.path.realpath(path), program, asked)


def has_rights(path: Path) -> bool:
    """Whether a file runs as another user, or with capabilities (setcap)."""
    if path.stat().st_mode & (stat.S_ISUID | stat.S_ISGID):
        return True
    try:
        return bool(os.getxattr(path, "security.capability"))
    except OSError:
        return False


def patched(
    process: tracing.Stopped, program: GoProgram, asked: Asked | None
) -> tuple[str | None, int | None]:
    """Patch a process that has stopped at the start of its file.

    Returns:
        Why its secrets are not had, None where they are; and the memory that is shared with it.

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
        return why, None
    page = (lowest - _STEP_DOWN) & ~(_STEP_DOWN - 1)
    if process.call(_SYS_MMAP, page, _PAGE, _RW, _PRIVATE_ANONYMOUS_THERE, -1, 0) != page:
        return "there is no room near it", None
    shared, memory = process.share(page, _NAME, go_words.SIZE)
    if isinstance(place, KeyLogFunction):
        process.write(page, stub.instructions(page, shared, place, offset, 0))
    if calls:
        process.write(page + _CALLS_AT, stub.calls(page + _CALLS_AT, shared, calls, asked))
    if process.call(_SYS_MPROTECT, page, _PAGE, _RX) != 0:
        os.close(memory)
        return "code of ours cannot be made executable in it", None
    if isinstance(place, KeyLogFunction):
        at = place.function + offset
        process.write(at, stub.jump(at, page, place.covered))
    if calls:
        process.write(calls, stub.jump(calls, page + _CALLS_AT, stub.CALLS_COVERED))
    return why, memory


def _lowest(pid: int, program: str) -> int:
    """The lowest address at which the program's file is mapped."""
    found = [each.start for each in running_patch.mappings(pid) if each.path == program]
    if not found:
        raise OSError(0, "its file is not mapped")
    return min(found)
