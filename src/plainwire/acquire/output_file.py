"""A program's words if its standard output or error is a file: read from it when the program has ended.

The interposer sees what a program writes itself, not what the C library writes for it (fprintf). With a pipe
or a terminal there is no second way: nothing is put in between, since the program could notice.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import stat
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST = 256 * 1024
"""The last bytes, which are read: a program says at the end what it dies of."""

_STDOUT, _STDERR = 1, 2
OUTPUTS = {_STDOUT: "stdout", _STDERR: "stderr"}

LONGEST_PRINTED = 2000
"""Most bytes of a line of standard output; a longer one is data (native/interposer/event.c)."""

_TELLING = re.compile(
    rb"rror|xception|eset by|losed|refused|imed out|EOF|roken|"
    rb"imeout|hang up|ECONN|EPIPE|NAVAIL|failed|aborted|"
    rb"ERR_|CERT_|_CERT|UNABLE_TO_|ETIMEDOUT|ENOTFOUND|EAI_|UNREACH"
)
"""A line about an error has one of these words, as in native/interposer/event.c."""
_NAMING = re.compile(
    rb" *(?:--- FAIL: |=== RUN|FAIL: |ERROR: |\[ERROR\] |not ok |---- |\xe2\x9c\x96 | \d{1,5}\) )|"
    rb"\S+ > .* FAILED$"
)
"""Lines that name a failed test, likewise; those behind them are titles, and the error."""
_LINES_OF_A_NAME = 3
_EVENT = 2000  # bytes of words in one event
_NO_TEXT = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]")


def files() -> set[int]:
    """The outputs that are regular files."""
    return {descriptor for descriptor in OUTPUTS if _position(descriptor) is not None}


def positions() -> dict[int, int]:
    """The offset at which the program's words will begin, for each output that is a regular file."""
    found = {descriptor: _position(descriptor) for descriptor in OUTPUTS}
    if None not in found.values() and os.path.sameopenfile(_STDOUT, _STDERR):
        del found[_STDOUT]
    return {descriptor: position for descriptor, position in found.items() if position is not None}


def _position(descriptor: int) -> int | None:
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return None
        appending = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_APPEND
        return status.st_size if appending else os.lseek(descriptor, 0, os.SEEK_CUR)
    except OSError:
        return None


def since(start: int, output: int) -> bytes:
    """The program's words in the file from ``start``; none if it may not be read.

    Standard output may be anything: only lines of text about errors are taken from it.
    """
    with contextlib.suppress(OSError):
        descriptor = os.open(f"/proc/self/fd/{output}", os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            size = os.fstat(descriptor).st_size
            written = os.pread(descriptor, MOST, max(start, size - MOST))
            return telling(written, output)
        finally:
            os.close(descriptor)
    return b""


def telling(written: bytes, output: int) -> bytes:
    """What is kept of words: all of standard error; of standard output the lines about errors and tests."""
    return written if output == _STDERR else _telling_lines(written)


def events(words: bytes, output: int, pid: int) -> Iterator[dict[str, Any]]:
    """Events for words of a program that were not told of as it wrote them."""
    for at in range(0, len(words), _EVENT):
        yield {
            "event": OUTPUTS[output],
            "time": time.time(),
            "pid": pid,
            "text": words[at : at + _EVENT].decode("latin-1"),
            "afterwards": True,
        }


def _telling_lines(written: bytes) -> bytes:
    kept, named = [], 0
    for line in written.splitlines(keepends=True):
        if len(line) > LONGEST_PRINTED or _NO_TEXT.search(line):
            continue
        naming = _NAMING.match(line) is not None
        named = _LINES_OF_A_NAME if naming else named
        if naming or _TELLING.search(line):
            kept.append(line)
        elif named:
            kept.append(line)
            named -= 1
    return b"".join(kept)
