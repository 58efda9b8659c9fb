"""Secrets go from the disk with the packets that they open: overwritten, and then removed.

What was overwritten is gone from where the file system had it. Copies that a file system or a drive keeps by
itself (snapshots, copy on write, the spare blocks of a flash drive) are out of reach.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import stat

_PIECE = 1 << 20
_PUNCH_HOLE = 0x02 | 0x01  # FALLOC_FL_PUNCH_HOLE, FALLOC_FL_KEEP_SIZE: linux/falloc.h
_PLAIN = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


def erase(name: str, folder: int) -> None:
    """Overwrite a file in an open folder and remove it; one that is not there is no error.

    What is no regular file, or has another name too, is removed only.
    """
    with contextlib.suppress(OSError):
        descriptor = os.open(name, _PLAIN, dir_fd=folder)
        try:
            status = os.fstat(descriptor)
            if stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
                blank(descriptor, 0, status.st_size)
        finally:
            os.close(descriptor)
    with contextlib.suppress(OSError):
        os.unlink(name, dir_fd=folder)


def blank(descriptor: int, start: int, end: int) -> None:
    """Overwrite these bytes of a file with zeros, on the disk too. It must not be open for appending."""
    at = start
    with contextlib.suppress(OSError):
        while at < end:
            at += os.pwrite(descriptor, bytes(min(_PIECE, end - at)), at)
        os.fdatasync(descriptor)


def give_back(descriptor: int, start: int, end: int) -> None:
    """Let the file system have the room of these bytes, where it can; whoever appends sees no difference."""
    call = ctypes.CDLL(None, use_errno=True).fallocate
    call.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
    call(descriptor, _PUNCH_HOLE, start, end - start)
