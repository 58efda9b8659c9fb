"""The files that secrets are read from: key logs, private keys; and pre-shared keys."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from plainwire.capture import key_lines, reader
from plainwire.folder import OpenFile
from plainwire.model import SecretsBlock, UserError
from plainwire.tls.keylog import KeyLog, in_utf8

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from io import BufferedReader

    from plainwire.folder import FileSource

_LARGEST_KEY = 1 << 20
_UTF16 = b"\xff\xfe"


def read_keys(
    paths: Iterable[FileSource], private_keys: Iterable[FileSource] = (), psks: Iterable[str] = ()
) -> KeyLog:
    """Read key log files, servers' private keys, and pre-shared keys (hex digits, or ``@FILE`` with these).

    Raises:
        UserError: a file cannot be read, or is not one of these.

    """
    keys = KeyLog()
    for path in paths:
        with _opened(path) as file:
            add_key_log(keys, str(path), file)
    for path in private_keys:
        keys.private_keys.add(_read_whole(path), str(path))
    for number, psk in enumerate(psks, 1):
        digits = _read_whole(psk[1:]).decode("ascii", "replace") if psk.startswith("@") else psk
        try:
            keys.psks.append(bytes.fromhex(digits))
        except ValueError:
            message = f"pre-shared key {number} is not an even number of hex digits"
            raise UserError(message) from None
    return keys


def lines_of(captures: Sequence[FileSource], key_logs: Iterable[FileSource] = ()) -> Iterator[bytes]:
    """The key log lines that captures bring with them, and those of key logs, each once.

    Raises:
        UserError: a file cannot be read, or is no capture.

    """
    seen: set[bytes] = set()
    blocks = (item.data for item in reader.read(captures) if isinstance(item, SecretsBlock))
    for text in (*blocks, *(piece for source in key_logs for piece in pieces_of(source))):
        for line in text.splitlines(keepends=True):
            if line.strip() and line not in seen:
                seen.add(line)
                yield line if line.endswith(b"\n") else line + b"\n"


def pieces_of(source: FileSource) -> Iterator[bytes]:
    """A key log in pieces of whole lines, in UTF-8.

    Raises:
        UserError: it cannot be read.

    """
    with _opened(source) as file:
        yield from map(in_utf8, _pieces(file))


def _pieces(file: BufferedReader) -> Iterator[bytes]:
    """Its pieces as they are; what is in UTF-16 is one."""
    if file.peek(2)[:2] == _UTF16:
        yield file.read(key_lines.LARGEST_KEY_LOG)
    yield from key_lines.pieces(file)


def add_key_log(keys: KeyLog, name: str, file: BufferedReader) -> None:
    """Add what an open key log holds; ``name`` is its name in messages."""
    keys.begin(name)
    for text in _pieces(file):
        keys.add(text)
    keys.begin(None)
    if file.read(1):
        keys.cut.append(f"{name}: only the first {key_lines.LARGEST_KEY_LOG >> 20} MB were read")


def _read_whole(source: FileSource) -> bytes:
    with _opened(source) as file:
        data = file.read(_LARGEST_KEY + 1)
    if len(data) > _LARGEST_KEY:
        message = f"{source}: too large for a key"
        raise UserError(message)
    return data


@contextlib.contextmanager
def _opened(source: FileSource) -> Iterator[BufferedReader]:
    """A file to read from its start; the errors of reading it are the user's."""
    try:
        descriptor = (
            source.reader() if isinstance(source, OpenFile) else os.open(source, os.O_RDONLY | os.O_CLOEXEC)
        )
        with os.fdopen(descriptor, "rb") as file:
            yield file
    except OSError as error:
        message = f"{source}: {error.strerror}"
        raise UserError(message) from error
