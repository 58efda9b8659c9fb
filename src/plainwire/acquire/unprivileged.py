"""Work on files that the program under study names, in a process with no more rights than the program.

The program may name any file: one that only root may read, a pipe that nobody writes to, a file system whose
server never responds. So a fork of this process takes the caller's ids (of sudo) or, if root itself called,
drops its capabilities; its only output is a pipe, and its time is limited. The new user cannot touch this
former root process (``PR_SET_DUMPABLE``).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import struct
import time
from typing import TYPE_CHECKING

from plainwire import sudo

if TYPE_CHECKING:
    from collections.abc import Callable

_CAPABILITY_VERSION_3 = 0x20080522  # linux/capability.h


def done(work: Callable[[], bytes], *, within: float, most: int) -> bytes | None:
    """What ``work`` returns, at most ``most`` bytes; None if it failed or took over ``within`` seconds."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        _live(work, writing)
    os.close(writing)
    try:
        result = _received(reading, time.monotonic() + within, most)
    finally:
        os.close(reading)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return result


def _live(work: Callable[[], bytes], writing: int) -> None:
    """What the fork does; never returns. The last byte says that the output is complete."""
    try:
        _give_up_rights()
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(work() + b"\n")
    finally:
        os._exit(0)


def _received(reading: int, deadline: float, most: int) -> bytes | None:
    data = bytearray()
    poll = select.poll()
    poll.register(reading, select.POLLIN)
    while len(data) <= most and (left := deadline - time.monotonic()) > 0:
        if not poll.poll(left * 1000):
            return None
        piece = os.read(reading, 1 << 16)
        if not piece:
            return bytes(data[:-1]) if data else None
        data += piece
    return None


def _give_up_rights() -> None:
    if os.geteuid() != 0:
        return
    user = sudo.caller()
    if user is None:
        _give_up_capabilities()
    else:
        os.setgroups(user.groups)
        os.setgid(user.gid)
        os.setuid(user.uid)


def _give_up_capabilities() -> None:
    """It can still open root's own files, as the program can, but not those of others (capset(2))."""
    header, none = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), bytes(24)
    if ctypes.CDLL(None, use_errno=True).capset(header, none) != 0:
        raise OSError(ctypes.get_errno(), "capset")
