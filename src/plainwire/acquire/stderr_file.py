"""A program's words where its standard error is a file: read from that file when the program has ended.

The interposer sees what a program writes itself, not what the C library writes for it (fprintf). Where
standard error is a pipe or a terminal there is no second look: nothing is put in between, since the
program could tell.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat

MOST = 256 * 1024
"""Bytes that are read, the last ones: what a program dies of it says at the end."""

_STDERR = 2


def position() -> int | None:
    """Where in the file the program's words will begin; None where standard error is no regular file."""
    try:
        status = os.fstat(_STDERR)
        if not stat.S_ISREG(status.st_mode):
            return None
        appending = fcntl.fcntl(_STDERR, fcntl.F_GETFL) & os.O_APPEND
        return status.st_size if appending else os.lseek(_STDERR, 0, os.SEEK_CUR)
    except OSError:
        return None


def since(start: int) -> bytes:
    """What stands in the file from ``start`` on; nothing where it may not be read."""
    with contextlib.suppress(OSError):
        descriptor = os.open(f"/proc/self/fd/{_STDERR}", os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            size = os.fstat(descriptor).st_size
            return os.pread(descriptor, MOST, max(start, size - MOST))
        finally:
            os.close(descriptor)
    return b""
