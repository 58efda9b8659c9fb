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

import contextlib
import ctypes
import functools
import mmap
import os
import platform
import re
import signal
import stat
import struct
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plainwire.acquire import patching

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.acquire.patching import GoFunction
    from plainwire.acquire.target import Target

_TRACEME, _STEP, _GETREGS, _SETREGS, _DETACH = 0, 9, 12, 13, 17  # sys/ptrace.h
_RAX, _R10, _R9, _R8, _RDX, _RSI, _RDI, _ORIG_RAX, _RIP = 10, 7, 8, 9, 12, 13, 14, 15, 16  # struct user
_REGISTERS = 27
_SYS_CLOSE, _SYS_MMAP, _SYS_MPROTECT = 3, 9, 10
_SHARED, _PRIVATE_ANONYMOUS_THERE = 0x1, 0x100022  # MAP_..._FIXED_NOREPLACE
_RW, _RX = 3, 5
_PAGE = 4096
_STEP_DOWN = 1 << 16
_JUMP = 5
_MOST_SIGNALS = 64  # that may come while it is patched, which takes a few milliseconds

_HEADER, _SLOT = 4096, 256  # bytes: a counter, then one record each
_SLOTS = 200_000
_SIZE = _HEADER + _SLOT * _SLOTS  # of which what is not written takes no memory
_LABEL, _RANDOM, _SECRET = 16, 64, 96  # where they are in a record
_LONGEST_LABEL, _LONGEST_SECRET = 48, 64
_KNOWN = re.compile(rb"CLIENT_RANDOM|(CLIENT|SERVER)_(HANDSHAKE_TRAFFIC_SECRET|TRAFFIC_SECRET_0)")
_FIRST = (b"CLIENT_RANDOM", b"SERVER_HANDSHAKE_TRAFFIC_SECRET")


class Ring:
    """What is shared with one program. ``why`` it was not patched; None where it was."""

    def __init__(self, program: str, place: GoFunction, lowest: int) -> None:
        """``lowest`` is the lowest address in the program's file."""
        self.why: str | None = "it was not started"
        self._program, self._place, self._lowest = program, place, lowest
        self._memory = os.memfd_create("plainwire", os.MFD_CLOEXEC)
        os.ftruncate(self._memory, _SIZE)
        self._pid = 0
        _function()

    @property
    def descriptor(self) -> int:
        """What the program must inherit until it is patched."""
        return self._memory

    @staticmethod
    def trace() -> None:
        """In the child, before it becomes the program: it stops when it has, where tracing is allowed."""
        _ptrace(_TRACEME, 0, 0, 0)

    def patch(self, pid: int) -> int | None:
        """Patch the program, which has stopped or is about to, and let it go.

        Returns:
            How it ended, where it was killed meanwhile, as ``os.waitstatus_to_exitcode`` has it.

        """
        self._pid = pid
        if not _is_traced(pid):
            self.why = "programs may not be traced here"
            return None
        stopped = _Stopped(pid)
        try:
            stopped.wait()
            self.why = _patched(stopped, self._memory, self._place, self._lowest)
        except OSError as error:
            self.why = f"it could not be written to ({error.strerror})"
        except _EndedError as ended:
            return ended.status
        stopped.let_go()
        return None

    def close(self) -> tuple[list[bytes], list[dict[str, Any]], int]:
        """Key log lines, events, and how many secrets came when there was no more room."""
        with mmap.mmap(self._memory, _SIZE, access=mmap.ACCESS_READ) as data:
            (count,) = struct.unpack_from("<I", data, 0)
            found = list(dict.fromkeys(_records(data, min(count, _SLOTS))))
        os.close(self._memory)
        lines = [b"%s %s %s" % (label, c.hex().encode(), s.hex().encode()) for label, c, s in found]
        events = [self._event(random) for label, random, _ in found if label in _FIRST]
        return lines, events, max(count - _SLOTS, 0)

    def _event(self, random: bytes) -> dict[str, Any]:
        return {
            "event": "tls",
            "time": time.time(),
            "pid": self._pid,
            "tid": self._pid,
            "command": Path(self._program).name,
            "local": None,
            "peer": None,
            "client_random": random.hex(),
            "library": self._program,
            "how": "patch",
        }


def prepare(target: Target) -> Ring | str | None:
    """A ring for a Go program; or why there is none; None for all other programs."""
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
    return Ring(os.path.realpath(path), place, target.elf.lowest or 0)


def _has_rights(path: Path) -> bool:
    """Whether a file runs as another user, or with capabilities (setcap)."""
    if path.stat().st_mode & (stat.S_ISUID | stat.S_ISGID):
        return True
    try:
        return bool(os.getxattr(path, "security.capability"))
    except OSError:
        return False


def _records(data: mmap.mmap, count: int) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Records that were written to their end and have the form of secrets."""
    for number in range(count):
        at = _HEADER + number * _SLOT
        done, label_size, size = struct.unpack_from("<III", data, at)
        if not done or label_size > _LONGEST_LABEL or size not in (32, 48, 64):
            continue
        label = data[at + _LABEL : at + _LABEL + label_size]
        random = data[at + _RANDOM : at + _RANDOM + 32]
        if _KNOWN.fullmatch(label) and any(random):
            yield label, random, data[at + _SECRET : at + _SECRET + size]


# --- the stopped program --------------------------------------------------------------------------------


@functools.cache
def _function() -> Any:  # noqa: ANN401 - a function of C
    """Loaded before there is a child, in which only what is there already may be called."""
    call = ctypes.CDLL(None, use_errno=True).ptrace
    call.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
    call.restype = ctypes.c_long
    return call


def _ptrace(request: int, pid: int, address: int, data: int) -> int:
    result: int = _function()(request, pid, address, data)
    return result


def _checked(request: int, pid: int, data: int) -> None:
    if _ptrace(request, pid, 0, data) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class _EndedError(Exception):
    """The process was killed while it was stopped."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status


class _Stopped:
    """A process that has stopped; what is changed of it for a system call is put back behind each.

    Signals that come meanwhile reach it when it is let go.
    """

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._memory = -1
        self._held: list[int] = []

    def open(self) -> None:
        self._memory = os.open(f"/proc/{self.pid}/mem", os.O_RDWR | os.O_CLOEXEC)

    def wait(self) -> None:
        """Wait until it has stopped by what we had it do."""
        for _ in range(_MOST_SIGNALS):
            _, status = os.waitpid(self.pid, os.WUNTRACED)
            if not os.WIFSTOPPED(status):
                raise _EndedError(os.waitstatus_to_exitcode(status))
            if os.WSTOPSIG(status) == signal.SIGTRAP:
                return
            self._held.append(os.WSTOPSIG(status))
            _checked(_STEP, self.pid, 0)
        raise OSError(0, "it gets too many signals")

    def let_go(self) -> None:
        if self._memory >= 0:
            os.close(self._memory)
        _ptrace(_DETACH, self.pid, 0, 0)
        for number in self._held:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def read(self, address: int, count: int) -> bytes:
        return os.pread(self._memory, count, address)

    def write(self, address: int, data: bytes) -> None:
        if os.pwrite(self._memory, data, address) != len(data):
            raise OSError(0, "its memory was written in part")

    def call(self, number: int, *arguments: int) -> int:
        """Let the process make a system call; the result is below 0 where it failed."""
        kept = (ctypes.c_uint64 * _REGISTERS)()
        _checked(_GETREGS, self.pid, ctypes.addressof(kept))
        used = (ctypes.c_uint64 * _REGISTERS)(*kept)
        used[_RAX], used[_ORIG_RAX] = number, (1 << 64) - 1
        for register, value in zip((_RDI, _RSI, _RDX, _R10, _R8, _R9), arguments, strict=False):
            used[register] = value & (1 << 64) - 1
        code = self.read(kept[_RIP], 2)
        self.write(kept[_RIP], b"\x0f\x05")
        _checked(_SETREGS, self.pid, ctypes.addressof(used))
        try:
            _checked(_STEP, self.pid, 0)
            self.wait()
            _checked(_GETREGS, self.pid, ctypes.addressof(used))
        except OSError:
            self._put_back(kept, code)
            raise
        self._put_back(kept, code)
        if used[_RIP] != kept[_RIP] + 2:
            raise OSError(0, "it did not do what it was to do")
        result: int = used[_RAX]
        return result - (1 << 64) if result >> 63 else result

    def _put_back(self, registers: ctypes.Array[ctypes.c_uint64], code: bytes) -> None:
        self.write(registers[_RIP], code)
        _checked(_SETREGS, self.pid, ctypes.addressof(registers))


def _patched(process: _Stopped, ring: int, place: GoFunction, linked: int) -> str | None:
    """Patch a process that has stopped at the start of its file; None where all went well, else why not."""
    lowest = _lowest(process.pid, str(Path(f"/proc/{process.pid}/exe").readlink()))
    process.open()
    shared = process.call(_SYS_MMAP, 0, _SIZE, _RW, _SHARED, ring, 0)
    process.call(_SYS_CLOSE, ring)
    if shared < 0:
        return f"it may not share memory ({os.strerror(-shared)})"
    offset = lowest - linked
    at = place.function + offset
    if process.read(at, len(place.code)) != place.code:
        return "its code is not where it should be"
    page = (lowest - _STEP_DOWN) & ~(_STEP_DOWN - 1)
    if process.call(_SYS_MMAP, page, _PAGE, _RW, _PRIVATE_ANONYMOUS_THERE, -1, 0) != page:
        return "there is no room near it"
    labels = place.labels + offset, place.labels_end - place.labels
    process.write(page, _stub(page, shared, labels, place.code[: place.covered], at + place.covered))
    if process.call(_SYS_MPROTECT, page, _PAGE, _RX) != 0:
        return "code of ours cannot be made executable in it"
    process.write(at, b"\xe9" + struct.pack("<i", page - (at + _JUMP)) + b"\x90" * (place.covered - _JUMP))
    return None


def _is_traced(pid: int) -> bool:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    return any(line.startswith("TracerPid:") and line.split()[1] != "0" for line in lines)


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


def _stub(page: int, ring: int, labels: tuple[int, int], moved: bytes, back: int) -> bytes:
    """Instructions that take the next record of the ring and fill it. Go gives the label in rbx and rcx, the
    client random in rdi and rsi, the secret in r9 and r10. ``labels``: where the first label is, and how far
    from there the last one may be.
    """
    save = bytes.fromhex("50 51 52 56 57 4150 4151 4152 4153")  # push rax, rcx, rdx, rsi, rdi, r8 to r11
    take = b"\x49\xbb" + struct.pack("<Q", ring)  # mov r11, ring
    take += bytes.fromhex("b801000000 f0410fc103 3d") + struct.pack("<I", _SLOTS)  # xadd [r11], eax; cmp
    slot = bytes.fromhex("48c1e008 4d8d9c03") + struct.pack("<i", _HEADER)  # lea r11, [r11 + 256 * rax + ...]
    start, distance = labels
    copies = [
        # the label must be among the labels
        (
            bytes.fromhex("4889da 48b8")
            + struct.pack("<Q", start)  # mov rdx, rbx; mov rax, ...
            + bytes.fromhex("4829c2 4881fa")
            + struct.pack("<I", distance),  # sub rdx, rax; cmp rdx, ...
            b"\x77",
        ),
        # rsi: the label; rcx: its length, which must not be above 48; then to [r11 + 16]
        (bytes.fromhex("4889de 488b4c2438 4883f930"), b"\x77"),
        (bytes.fromhex("41894b04 498d7b10 f3a4"), b""),
        # the client random must have 32 bytes; to [r11 + 64]
        (bytes.fromhex("48837c242820"), b"\x75"),
        (bytes.fromhex("488b742420 498d7b40 b920000000 f3a4"), b""),
        # the secret: at most 64; to [r11 + 96]; then the record is whole
        (bytes.fromhex("488b742410 488b4c2408 4883f940"), b"\x77"),
        (bytes.fromhex("41894b08 498d7b60 f3a4 41c70301000000"), b""),
    ]
    body = b""
    copies.insert(0, (slot, b""))
    for code, jump in reversed(copies):
        body = code + (jump + bytes([len(body)]) if jump else b"") + body
    restore = bytes.fromhex("415b 415a 4159 4158 5f 5e 5a 59 58")
    made = save + take + b"\x0f\x83" + struct.pack("<i", len(body)) + body + restore + moved
    return made + b"\xe9" + struct.pack("<i", back - (page + len(made) + _JUMP))
