"""Where the bytes of a capture come from: a file, a pipe that is still written to, a compressed file.

A source gives what is there now, at most as much as was asked for, and ``b""`` at the end: what a pipe
delivers is passed on as it comes. ``trouble`` says what cut it short.
"""

from __future__ import annotations

import fcntl
import os
import select
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from plainwire.folder import OpenFile
from plainwire.model import UserError

if TYPE_CHECKING:
    from io import FileIO
    from types import TracebackType

    from plainwire.folder import FileSource

_PIPE_SIZE = 1 << 20
"""The most that Linux gives everybody: with the usual 64 KB the writer would wait while we work."""


class Source(Protocol):
    """Something that bytes are read from."""

    @property
    def trouble(self) -> str | None:
        """Why it ended too early, in words; None if it did not."""

    def read(self, size: int, /) -> bytes:
        """Give what there is, at most ``size`` bytes; none only at the end."""


class Input:
    """A file, or standard input (``-``), for use in a ``with`` statement.

    Raises:
        UserError: it is missing, or may not be read.

    """

    def __init__(self, file: FileSource) -> None:
        self.trouble: str | None = None
        self._path = str(file)
        self._some = False
        self._file = _open(file)
        if stat.S_ISFIFO(os.fstat(self._file.fileno()).st_mode):
            _widen(self._file.fileno())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def read(self, size: int, /) -> bytes:
        """Give what there is now. A failing disk ends the file, but what was read so far counts."""
        try:
            data = self._file.read(size)
            while data is None:  # whoever else has this pipe made it non-blocking
                select.select([self._file.fileno()], [], [])
                data = self._file.read(size)
        except OSError as error:
            self.trouble = str(error.strerror)
            if not self._some:
                message = f"{self._path}: {error.strerror}"
                raise UserError(message) from error
            return b""
        self._some = self._some or bool(data)
        return data


def _open(file: FileSource) -> FileIO:
    """Open it unbuffered: a buffered reader waits for everything that was asked for."""
    try:
        if isinstance(file, OpenFile):
            return os.fdopen(file.reader(), "rb", buffering=0)
        return os.fdopen(os.dup(0), "rb", buffering=0) if file == "-" else Path(file).open("rb", buffering=0)
    except OSError as error:
        message = f"{file}: {error.strerror}"
        raise UserError(message) from error


def _widen(pipe: int) -> None:
    try:
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_SIZE)
    except OSError:
        return  # a smaller limit on this machine: only slower


def is_regular(path: str) -> bool:
    """Whether a file can be opened twice, unlike a pipe. A missing file counts as regular."""
    try:
        return path != "-" and stat.S_ISREG(Path(path).stat().st_mode)
    except OSError:
        return True  # opening it will say what is wrong


class Lookahead:
    """A source whose next bytes can be looked at before they are read."""

    def __init__(self, source: Source, ahead: bytes = b"") -> None:
        self._source = source
        self._ahead = ahead

    @property
    def trouble(self) -> str | None:
        """What cut the source short."""
        return self._source.trouble

    def peek(self, size: int) -> bytes:
        """Return the next ``size`` bytes, fewer only at the end of the source. They are still to be read."""
        parts = [self._ahead]
        missing = size - len(self._ahead)
        while missing > 0 and (more := self._source.read(missing)):
            parts.append(more)
            missing -= len(more)
        self._ahead = b"".join(parts)
        return self._ahead[:size]

    def skip(self, size: int) -> None:
        """Drop the bytes that were looked at."""
        self._ahead = self._ahead[size:]

    def give_back(self, data: bytes) -> None:
        """Put back bytes that were read too far."""
        self._ahead = data + self._ahead

    def read(self, size: int, /) -> bytes:
        """What was looked at first, then what the source has."""
        if not self._ahead:
            return self._source.read(size)
        data, self._ahead = self._ahead[:size], self._ahead[size:]
        return data

    def refill(self, carry: bytes, need: int, piece: int) -> bytes:
        """``carry`` and what comes after it, ``need`` bytes in all if there are as many.

        ``b""`` at the end. Small pieces of a large record are joined once.
        """
        parts = [carry] if carry else []
        size = len(carry)
        while more := self.read(piece):
            parts.append(more)
            size += len(more)
            if size >= need:
                break
        return b"".join(parts) if size > len(carry) else b""
