"""ptrace(2), and what processors differ in where it is used: registers, system calls, where a trap leads.

A thread that was stopped in a system call goes on with it behind what it did for us. On x86-64 the kernel
sees to that when it is let go, by its registers; on aarch64 it has done so before anybody is told of the stop
(arch/arm64/kernel/signal.c), and a call that waits for some time waits for as long again.
"""

from __future__ import annotations

import ctypes
import functools
import os
import platform
import struct
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

_WORD = (1 << 64) - 1
_GETREGS, _SETREGS = 12, 13  # sys/ptrace.h
_GETREGSET, _SETREGSET, _NT_PRSTATUS = 0x4204, 0x4205, 1  # linux/ptrace.h, elf.h

Registers = ctypes.Array[ctypes.c_uint64]


@functools.cache
def function() -> Any:  # noqa: ANN401 - a function of C
    """ptrace(2). Loaded before there is a child, in which only what is there already may be called."""
    call = ctypes.CDLL(None, use_errno=True).ptrace
    call.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
    call.restype = ctypes.c_long
    return call


def asked(request: int, pid: int, address: int, data: int) -> int:
    """What it gives: 0, or -1 where it failed."""
    result: int = function()(request, pid, address, data)
    return result


def checked(request: int, pid: int, data: int, address: int = 0) -> None:
    """As ``asked``.

    Raises:
        OSError: it failed.

    """
    if asked(request, pid, address, data) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class Earlier(NamedTuple):
    """For an argument of a system call: the result of an earlier one of those that are made together."""

    number: int


Call = tuple[int | Earlier, ...]
"""A system call: its number, and what it is given."""


class SystemCalls(NamedTuple):
    """Their numbers."""

    close: int
    mmap: int
    mprotect: int
    munmap: int
    ftruncate: int
    memfd_create: int


class X86:
    """x86-64. Registers are named by where struct user has them."""

    numbers = SystemCalls(3, 9, 10, 11, 77, 319)
    call = b"\x0f\x05"
    at, result = 16, 10  # rip, rax
    given = (10, 14, 13, 12, 7, 9, 8)
    """Where a system call has its number and its arguments: rax, rdi, rsi, rdx, r10, r8, r9."""
    kept = (5, 4, 3, 2, 1, 0)
    """Registers that a system call leaves as they are: rbx, rbp, r12 to r15."""
    trap, behind_trap = b"\xcc", 1
    _COUNT, _CALL_BEFORE = 27, 15  # orig_rax
    _GIVEN, _KEPT = (0, 7, 6, 2, 10, 8, 9), (3, 5, 12, 13, 14, 15)
    """The same, as the processor numbers them."""

    def read(self, pid: int) -> Registers:
        """A stopped thread's registers."""
        registers = (ctypes.c_uint64 * self._COUNT)()
        checked(_GETREGS, pid, ctypes.addressof(registers))
        return registers

    def write(self, pid: int, registers: Registers) -> None:
        """Put them there."""
        checked(_SETREGS, pid, ctypes.addressof(registers))

    def copied(self, registers: Registers) -> Registers:
        """To go on elsewhere: in no system call."""
        used = (ctypes.c_uint64 * self._COUNT)(*registers)
        used[self._CALL_BEFORE] = _WORD
        return used

    def code_of(self, several: Sequence[Call]) -> bytes:
        """Instructions that make system calls and keep their results, and a trap."""
        code = b""
        for number, call in enumerate(several):
            for register, value in zip(self._GIVEN, call, strict=False):
                if isinstance(value, Earlier):
                    code += self._move(register, self._KEPT[value.number])
                else:
                    code += struct.pack("<BBQ", 0x48 | register >> 3, 0xB8 | register & 7, value & _WORD)
            code += self.call + self._move(self._KEPT[number], 0)
        return code + self.trap

    @staticmethod
    def _move(to: int, source: int) -> bytes:
        return bytes((0x48 | source >> 3 << 2 | to >> 3, 0x89, 0xC0 | (source & 7) << 3 | to & 7))


class Arm64:
    """aarch64. Registers are named by their numbers; then come sp, pc and pstate."""

    numbers = SystemCalls(57, 222, 226, 215, 46, 279)
    call = bytes.fromhex("010000d4")  # svc #0
    at, result = 32, 0
    given = (8, 0, 1, 2, 3, 4, 5)
    kept = (19, 20, 21, 22, 23, 24)
    trap, behind_trap = bytes.fromhex("000020d4"), 0  # brk #0, at which it stops
    _COUNT = 34

    class _Vector(ctypes.Structure):
        """struct iovec."""

        _fields_ = (("base", ctypes.c_void_p), ("size", ctypes.c_size_t))

    def _request(self, request: int, pid: int, registers: Registers) -> None:
        vector = self._Vector(ctypes.addressof(registers), ctypes.sizeof(registers))
        checked(request, pid, ctypes.addressof(vector), _NT_PRSTATUS)

    def read(self, pid: int) -> Registers:
        """A stopped thread's registers."""
        registers = (ctypes.c_uint64 * self._COUNT)()
        self._request(_GETREGSET, pid, registers)
        return registers

    def write(self, pid: int, registers: Registers) -> None:
        """Put them there."""
        self._request(_SETREGSET, pid, registers)

    def copied(self, registers: Registers) -> Registers:
        """To go on elsewhere."""
        return (ctypes.c_uint64 * self._COUNT)(*registers)

    def code_of(self, several: Sequence[Call]) -> bytes:
        """Instructions that make system calls and keep their results, and a trap."""
        words: list[int] = []
        for number, call in enumerate(several):
            for register, value in zip(self.given, call, strict=False):
                if isinstance(value, Earlier):
                    words.append(self._move(register, self.kept[value.number]))
                else:
                    words += self._set(register, value & _WORD)
            words += [int.from_bytes(self.call, "little"), self._move(self.kept[number], 0)]
        return struct.pack(f"<{len(words)}I", *words) + self.trap

    @staticmethod
    def _move(to: int, source: int) -> int:
        return 0xAA0003E0 | source << 16 | to  # mov x, x

    @staticmethod
    def _set(register: int, value: int) -> list[int]:
        parts = [(value >> 16 * part & 0xFFFF, part) for part in range(4)]
        first = 0xD2800000 | parts[0][0] << 5 | register  # movz x, number
        more = [0xF2800000 | part << 21 | bits << 5 | register for bits, part in parts[1:] if bits]  # movk
        return [first, *more]


MACHINE = platform.machine()
HERE: X86 | Arm64 = Arm64() if MACHINE == "aarch64" else X86()
"""The processor that programs run on here."""
IS_KNOWN = MACHINE in {"x86_64", "aarch64"}
