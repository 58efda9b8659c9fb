"""Secrets of a Go program that we start: patched before its first instruction, then let go.

Go programs need no C library, and most no loader, so that the interposer is not in them. But (*tls.Config)
.writeKeyLog is called with each secret, whether or not the program asked for a key log. So the program is
started under ptrace(2), which stops it when its file is mapped and nothing of it has run. Its function gets a
jump to a few instructions that copy label, client random and secret into memory that it shares with us: no
system call, 80 bytes of stack, no register changed. Then it is let go, and nothing traces it any more; where
plainwire is killed, the program does not notice.

x86-64 only. What is not known of a program leaves it as it is.
"""

from __future__ import annotations

import os
import platform
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plainwire.acquire import patching, ring, stub, tracing

if TYPE_CHECKING:
    from plainwire.acquire.patching import KeyLogFunction
    from plainwire.acquire.target import Target

_SYS_CLOSE, _SYS_MMAP, _SYS_MPROTECT = 3, 9, 10
_SHARED, _PRIVATE_ANONYMOUS_THERE = 0x1, 0x100022  # MAP_..._FIXED_NOREPLACE
_RW, _RX = 3, 5
_PAGE = 4096
_STEP_DOWN = 1 << 16


class GoPatch:
    """What is shared with one program. ``why`` it was not patched; None where it was."""

    def __init__(self, program: str, place: KeyLogFunction, lowest: int) -> None:
        """``lowest`` is the lowest address in the program's file."""
        self.why: str | None = "it was not started"
        self._program, self._place, self._lowest = program, place, lowest
        self._memory = os.memfd_create("plainwire", os.MFD_CLOEXEC)
        os.ftruncate(self._memory, ring.SIZE)
        self._pid = self.lost = 0
        self._shared: ring.Ring | None = None
        tracing.function()

    @property
    def descriptor(self) -> int:
        """What the program must inherit until it is patched."""
        return self._memory

    @staticmethod
    def trace() -> None:
        """In the child, before it becomes the program: it stops when it has, where tracing is allowed."""
        tracing.be_traced()

    def patch(self, pid: int) -> int | None:
        """Patch the program, which has stopped or is about to, and let it go.

        Returns:
            How it ended, where it was killed meanwhile, as ``os.waitstatus_to_exitcode`` has it.

        """
        self._pid = pid
        if not tracing.is_traced(pid):
            self.why = "programs may not be traced here"
            return None
        stopped = tracing.Stopped(pid)
        try:
            stopped.wait()
            self.why = _patched(stopped, self._memory, self._place, self._lowest)
        except OSError as error:
            self.why = f"it could not be written to ({error.strerror})"
        except tracing.EndedError as ended:
            return ended.status
        stopped.let_go()
        return None

    def take(self) -> tuple[list[bytes], list[dict[str, Any]]]:
        """Key log lines and events that have come since it was last asked."""
        if self._shared is None:
            self._shared = ring.own(self._program, self._memory, self._pid)
        taken = self._shared.take()
        self.lost = self._shared.lost
        return taken

    def close(self) -> tuple[list[bytes], list[dict[str, Any]], int]:
        """The last of them, and how many secrets came when there was no more room."""
        lines, events = self.take()
        if self._shared is not None:
            self._shared.close()
        return lines, events, self.lost


def prepare(target: Target) -> GoPatch | str | None:
    """What a Go program is to be patched by; or why it cannot be; None for all other programs."""
    if target.elf is None or not target.elf.go:
        return None
    if platform.machine() != "x86_64":
        return "Go programs can be patched on x86-64 only"
    path = Path(target.program)
    try:
        if _has_rights(path):
            return "it has rights of its own, which the kernel takes from a program that is traced"
        place = patching.of_go(path.resolve())
    except OSError:
        return "it could not be looked into"
    if isinstance(place, str):
        return place
    return GoPatch(os.path.realpath(path), place, target.elf.lowest or 0)


def _has_rights(path: Path) -> bool:
    """Whether a file runs as another user, or with capabilities (setcap)."""
    if path.stat().st_mode & (stat.S_ISUID | stat.S_ISGID):
        return True
    try:
        return bool(os.getxattr(path, "security.capability"))
    except OSError:
        return False


def _patched(process: tracing.Stopped, memory: int, place: KeyLogFunction, linked: int) -> str | None:
    """Patch a process that has stopped at the start of its file; None where all went well, else why not."""
    lowest = _lowest(process.pid, str(Path(f"/proc/{process.pid}/exe").readlink()))
    process.open()
    shared = process.call(_SYS_MMAP, 0, ring.SIZE, _RW, _SHARED, memory, 0)
    process.call(_SYS_CLOSE, memory)
    if shared < 0:
        return f"it may not share memory ({os.strerror(-shared)})"
    offset = lowest - linked
    at = place.function + offset
    if process.read(at, len(place.code)) != place.code:
        return "its code is not where it should be"
    page = (lowest - _STEP_DOWN) & ~(_STEP_DOWN - 1)
    if process.call(_SYS_MMAP, page, _PAGE, _RW, _PRIVATE_ANONYMOUS_THERE, -1, 0) != page:
        return "there is no room near it"
    process.write(page, stub.instructions(page, shared, place, offset, 0))
    if process.call(_SYS_MPROTECT, page, _PAGE, _RX) != 0:
        return "code of ours cannot be made executable in it"
    process.write(at, stub.jump(at, page, place.covered))
    return None


def _lowest(pid: int, program: str) -> int:
    """The lowest address at which the program's file is mapped."""
    found = [
        int(words[0].partition("-")[0], 16)
        for line in Path(f"/proc/{pid}/maps").read_text(errors="surrogateescape").splitlines()
        if len(words := line.split(maxsplit=5)) == 6 and words[5] == program
    ]
    if not found:
        raise OSError(0, "its file is not mapped")
    return min(found)
