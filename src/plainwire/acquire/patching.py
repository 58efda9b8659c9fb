"""Whether TLS that is linked into a file can be patched: ``native/patch/judge.c``, asked from outside.

The answer comes from the code that patches the program. It reads an untrusted file, so it runs in a process
without rights (``unprivileged``).
"""

from __future__ import annotations

import ctypes
import mmap
import os
import platform
import stat
import struct
from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.acquire import interposer, unprivileged

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_WITHIN = 20.0  # seconds
_LONGEST = 1 << 10  # bytes of an answer
_BEGINNING = 32  # bytes of a function that must be as they are in the file: judge.h


class GoFunction(Struct, frozen=True):
    """A function that is to get a jump at its start, by the file's own addresses.

    ``code`` is how it begins, ``covered`` how many bytes of that are to be moved; ``labels`` and
    ``labels_end`` between which addresses its labels are.
    """

    function: int
    covered: int
    labels: int
    labels_end: int
    code: bytes


def judge(path: Path) -> str | None:
    """``patch``, ``SSLKEYLOGFILE``, or why its secrets cannot be had; None if that is unknown."""

    def ask(library: ctypes.CDLL, file: int, size: int) -> bytes:
        library.plainwire_judge.restype = ctypes.c_char_p
        answer: bytes | None = library.plainwire_judge(ctypes.c_void_p(file), ctypes.c_size_t(size))
        return answer or b""

    answer = _asked(path, ask)
    return answer.decode() if answer else None


def of_go(path: Path) -> GoFunction | str:
    """The function of a Go program that receives each secret, or why it was not found."""

    def ask(library: ctypes.CDLL, file: int, size: int) -> bytes:
        numbers = (ctypes.c_uint64 * 4)()
        code = ctypes.create_string_buffer(_BEGINNING)
        library.plainwire_go.restype = ctypes.c_char_p
        why: bytes | None = library.plainwire_go(ctypes.c_void_p(file), ctypes.c_size_t(size), numbers, code)
        return b"!" + why if why else struct.pack("<c4Q", b"=", *numbers) + code.raw

    answer = _asked(path, ask)
    if not answer:
        return "it could not be looked into"
    if answer.startswith(b"!"):
        return answer[1:].decode()
    function, covered, labels, labels_end = struct.unpack_from("<4Q", answer, 1)
    return GoFunction(function, covered, labels, labels_end, answer[33:])


def _asked(path: Path, ask: Callable[[ctypes.CDLL, int, int], bytes]) -> bytes | None:
    library = interposer.compiled()
    if library is None or platform.machine() != "x86_64":
        return None
    return unprivileged.done(lambda: _asked_here(library, path, ask), within=_WITHIN, most=_LONGEST)


def _asked_here(library: Path, path: Path, ask: Callable[[ctypes.CDLL, int, int], bytes]) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or not status.st_size:
        return b""
    loaded = ctypes.CDLL(str(library))
    with mmap.mmap(descriptor, status.st_size, access=mmap.ACCESS_COPY) as data:  # ctypes wants it writable
        view = (ctypes.c_char * status.st_size).from_buffer(data)
        answer = ask(loaded, ctypes.addressof(view), status.st_size)
        del view
    return answer
