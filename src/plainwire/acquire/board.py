"""Memory that the program's processes share with us: where the interposer's lines go first.

A line there costs a process no system call (native/interposer/board.h, where the layout is). Twice a second,
and at the end, what has come is written into the case's files, behind what was written there directly. Where
we are killed, the process that looks after the case (``guard``) does it once more; from then on lines go into
the files again. So only a kill of both costs lines: those of the last half second.

The program may write anything there. What comes of it is read as the files are: as lines that may be bad.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import mmap
import os
import struct
from typing import TYPE_CHECKING

from plainwire import sudo

if TYPE_CHECKING:
    from plainwire.case import Case

EMPTIED_EVERY = 0.5
"""Seconds. So many handshakes as fill it take longer: 5,000 of TLS 1.3."""
_SLOT, _SLOTS, _FIRST = 256, 16384, 4096
_SIZE = _FIRST + _SLOT * _SLOTS
_CLAIMED, _EMPTIED, _CLOSED = 0, 64, 72
_HEAD = struct.Struct("<IHBB")
_MARK = 0xFF6B6C09
_KEYS, _MOST = ord("k"), 8
_NOTHING = bytes(_SLOT)
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL


class Board:
    """The memory, of one run. ``path`` is for the interposer, as it wants it."""

    def __init__(self, case: Case, descriptor: int) -> None:
        self.descriptor = descriptor
        self._case = case
        self._memory = mmap.mmap(descriptor, _SIZE)
        self.path = f"{os.fstat(descriptor).st_ino}/proc/{os.getpid()}/fd/{descriptor}"

    def empty(self, *, last: bool = False) -> None:
        """Write into the case's files what has come.

        With ``last`` none comes any more: what was begun and not ended is left out, later lines go into the
        files.
        """
        if last:
            ctypes.c_uint32.from_buffer(self._memory, _CLOSED).value = 1
        emptied = ctypes.c_uint64.from_buffer(self._memory, _EMPTIED)
        end = ctypes.c_uint64.from_buffer(self._memory, _CLAIMED).value
        at = emptied.value
        if not at <= end <= at + _SLOTS:
            return
        lines: tuple[list[bytes], list[bytes]] = [], []
        while at < end:
            mark, length, file, slots = _HEAD.unpack_from(self._memory, _FIRST + at % _SLOTS * _SLOT)
            if mark == _MARK and 0 < slots <= min(_MOST, end - at) and length + _HEAD.size <= slots * _SLOT:
                lines[file != _KEYS].append(self._take(at, slots)[_HEAD.size : _HEAD.size + length] + b"\n")
                at += slots
            elif last or end - at > _SLOTS // 2:  # whoever began it was killed
                self._take(at, 1)
                at += 1
            else:
                break
        self._write(*map(b"".join, lines))
        emptied.value = at

    def close(self) -> None:
        """Empty it for the last time, and let go of it, once."""
        if self._memory.closed:
            return
        self.empty(last=True)
        self._memory.close()
        os.close(self.descriptor)

    def _take(self, at: int, slots: int) -> bytes:
        found = b""
        for number in range(at, at + slots):
            place = _FIRST + number % _SLOTS * _SLOT
            found += self._memory[place : place + _SLOT]
            self._memory[place : place + _SLOT] = _NOTHING
        return found

    def _write(self, keys: bytes, events: bytes) -> None:
        for path, data in ((self._case.keys, keys), (self._case.program, events)):
            with contextlib.suppress(OSError):
                if data:
                    with os.fdopen(self._case.place.appender(path.name), "wb") as file:
                        file.write(data)


def made(case: Case) -> Board | None:
    """Make it, with all its memory, so that no store into it can ever fail; None where that is not to be had,
    or the program will be another user's, who may not open it.
    """
    if sudo.caller() is not None:
        return None
    descriptor = -1
    try:
        descriptor = os.memfd_create("plainwire-board", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.posix_fallocate(descriptor, 0, _SIZE)
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
        return Board(case, descriptor)
    except OSError:
        if descriptor >= 0:
            os.close(descriptor)
        return None
