"""Whether TLS that is linked into a file can be patched: ``native/patch/judge.c``, asked from outside.

The answer comes from the code that patches the program. It reads an untrusted file, so it runs in a process
without rights (``unprivileged``).
"""

from __future__ import annotations

import ctypes
import mmap
import os
import re
import stat
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from plainwire.acquire import elf, interposer, unprivileged
from plainwire.acquire.elf import MACHINES
from plainwire.acquire.ptrace import MACHINE

if TYPE_CHECKING:
    from collections.abc import Callable

_WITHIN = 20.0  # seconds
_LONGEST = 1 << 10  # bytes of an answer
_BEGINNING = 32  # bytes of code: judge.h
_PLACE = struct.Struct("<7Q32s")  # struct place: judge.h


class KeyLogFunction(Struct, frozen=True):
    """A function that is told of each secret, and is to get a jump at its start; by the file's own addresses.

    ``code`` is how it begins, ``covered`` how many bytes of that are to be moved; ``labels`` and
    ``labels_end`` between which addresses its labels are. ``hops`` lead from its first argument to the client
    random: offsets, each from where the one before points to; a function of Go's has it for an argument.
    ``old``: one of OpenSSL 1.0.2, which is told of no secret, but has the session with the master secret.
    ``s2n``: one of s2n's. ``nss``: one of NSS, which is told of the secret's object, not of its bytes.
    """

    function: int
    covered: int
    labels: int
    labels_end: int
    code: bytes
    hops: tuple[int, ...] = ()
    old: bool = False
    s2n: S2nPlaces | None = None
    nss: bool = False


class S2nPlaces(Struct, frozen=True):
    """Where a connection of s2n's has its client random; of TLS 1.2 also the master secret (TLS 1.3: 0)."""

    client_random: int
    master: int = 0


def judge(path: Path) -> str | None:
    """``patch``, ``SSLKEYLOGFILE``, or why its secrets cannot be had; None if that is unknown."""

    def ask(library: ctypes.CDLL, file: int, size: int) -> bytes:
        library.plainwire_judge.restype = ctypes.c_char_p
        answer: bytes | None = library.plainwire_judge(ctypes.c_void_p(file), ctypes.c_size_t(size))
        return answer or b""

    answer = _asked(path, ask)
    return answer.decode() if answer else None


def of_go(file: Path | int, machine: str = MACHINE) -> KeyLogFunction | str:
    """The function of a Go program, or why it is not known. ``file`` is a path, or a descriptor; of other
    machines than x86-64 it can be found, but nothing is patched from outside (``stub``).
    """
    return _place(file, machine, go=True)


def calls_of_go(file: Path | int) -> int:
    """Where a Go program makes its system calls (``stub.CALLS``), by the file's own addresses; 0: unknown."""

    def ask(library: ctypes.CDLL, data: int, size: int) -> bytes:
        library.plainwire_calls.restype = ctypes.c_uint64
        return b"%d" % library.plainwire_calls(ctypes.c_void_p(data), ctypes.c_size_t(size))

    return int(_asked(file, ask) or 0)


def of_library(file: Path | int, machine: str = MACHINE) -> KeyLogFunction | str:
    """That of a library or program which has OpenSSL or BoringSSL in it."""
    return _place(file, machine, go=False)


def of_old_openssl(descriptor: int) -> KeyLogFunction | None:
    """That of libssl 1.0.2 which is called when the keys of a TLS session begin to count; None: unknown."""
    file, behind_a_mark = _path(descriptor), _BEGINNING + 4
    found = elf.function(file, "tls1_change_cipher_state", behind_a_mark)
    if found is None:
        return None
    function, code = found
    mark, covered = _movable(descriptor, function)
    code = code[mark : mark + _BEGINNING]
    return KeyLogFunction(function + mark, covered, 0, 0, code, old=True) if covered else None


_S2N_BODY = 1024  # bytes of code in which a function takes what it writes into a line
_S2N_TAKES = re.compile(
    rb"\xba([\x20\x30])\0\0\0.{0,24}?[\x48\x49]\x8d[\xb0-\xb3\xb5-\xb7](..\0\0)", re.DOTALL
)
"""mov edx, size; lea rsi, [register + offset]: of the client random (32), the master secret (48)."""


def of_s2n(descriptor: int) -> list[KeyLogFunction]:
    """Those of a library with s2n in it that are told of secrets, with or without a callback: of TLS 1.3 and
    of TLS 1.2. They are not exported, so that they are known only where their names were left in the file.
    Where they take the client random from, their code says.
    """
    file, found = _path(descriptor), []
    for name, sizes in (("s2n_key_log_tls13_secret", (32,)), ("s2n_key_log_tls12_secret", (32, 48))):
        named = elf.function(file, name, _S2N_BODY)
        if named is None:
            continue
        function, code = named
        taken = [(match[1][0], int.from_bytes(match[2], "little")) for match in _S2N_TAKES.finditer(code)]
        mark, covered = _movable(descriptor, function)
        if covered and tuple(size for size, _ in taken[: len(sizes)]) == sizes:
            places = S2nPlaces(*(at for _, at in taken[: len(sizes)]))
            beginning = code[mark : mark + _BEGINNING]
            found.append(KeyLogFunction(function + mark, covered, 0, 0, beginning, s2n=places))
    return found


def of_nss(file: Path | int) -> KeyLogFunction | str:
    """That of NSS as distributions build it (x86-64), or why it is not known."""
    named = elf.function(_path(file), "SSL_ExportKeyingMaterial", 1)
    exporting = named[0] if named is not None else 0

    def ask(library: ctypes.CDLL, data: int, size: int) -> bytes:
        place = ctypes.create_string_buffer(_PLACE.size)
        library.plainwire_nss.restype = ctypes.c_char_p
        given = ctypes.c_void_p(data), ctypes.c_size_t(size), ctypes.c_uint64(exporting), place
        return _told(library.plainwire_nss(*given), place.raw)

    found = _read(_asked(file, ask))
    return found if isinstance(found, str) else msgspec.structs.replace(found, nss=True)


def _path(file: Path | int) -> Path:
    return file if isinstance(file, Path) else Path(f"/proc/self/fd/{file}")


def _movable(descriptor: int, function: int) -> tuple[int, int]:
    """How many bytes at a function's start only mark it, and how many behind them are to be moved; 0: none
    can be.
    """

    def ask(library: ctypes.CDLL, data: int, size: int) -> bytes:
        library.plainwire_movable.restype = ctypes.c_uint64
        given = ctypes.c_void_p(data), ctypes.c_size_t(size), MACHINES["x86_64"], ctypes.c_uint64(function)
        return b"%d" % library.plainwire_movable(*given)

    return divmod(int(_asked(descriptor, ask) or 0), 1 << 32)


def _place(file: Path | int, machine: str, *, go: bool) -> KeyLogFunction | str:
    if machine not in MACHINES:
        return "its machine is not known"

    def ask(library: ctypes.CDLL, data: int, size: int) -> bytes:
        place = ctypes.create_string_buffer(_PLACE.size)
        library.plainwire_place.restype = ctypes.c_char_p
        given = ctypes.c_void_p(data), ctypes.c_size_t(size), MACHINES[machine], go, place
        return _told(library.plainwire_place(*given), place.raw)

    return _read(_asked(file, ask))


def _told(why: bytes | None, place: bytes) -> bytes:
    return b"!" + why if why else b"=" + place


def _read(answer: bytes | None) -> KeyLogFunction | str:
    if not answer:
        return "it could not be looked into"
    if answer.startswith(b"!"):
        return answer[1:].decode()
    function, covered, labels, labels_end, hops, *way, code = _PLACE.unpack_from(answer, 1)
    return KeyLogFunction(function, covered, labels, labels_end, code, tuple(way[:hops]))


def _asked(file: Path | int, ask: Callable[[ctypes.CDLL, int, int], bytes]) -> bytes | None:
    library = interposer.compiled()
    if library is None or MACHINE not in MACHINES:
        return None
    return unprivileged.done(lambda: _asked_here(library, file, ask), within=_WITHIN, most=_LONGEST)


def _asked_here(library: Path, file: Path | int, ask: Callable[[ctypes.CDLL, int, int], bytes]) -> bytes:
    flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
    descriptor = file if isinstance(file, int) else os.open(file, flags)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or not status.st_size:
        return b""
    loaded = ctypes.CDLL(str(library))
    with mmap.mmap(descriptor, status.st_size, access=mmap.ACCESS_COPY) as data:  # ctypes wants it writable
        view = (ctypes.c_char * status.st_size).from_buffer(data)
        answer = ask(loaded, ctypes.addressof(view), status.st_size)
        del view
    return answer
