"""Files and objects by URL: everything that fsspec reads and writes.

A name that comes out of a listing is only ever handed back to the file system that listed it. It is no URL
again (fsspec reads chains of file systems out of those), and no name is made of it here.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import secrets
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from plainwire.folder import output_folder
from plainwire.model import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator


class Stored(NamedTuple):
    """A file system and a path in it."""

    system: Any
    path: str

    def below(self, *names: str) -> Stored:
        """A path of our own names in this folder."""
        return Stored(self.system, "/".join((self.path.rstrip("/"), *names)))

    @property
    def local(self) -> bool:
        """Whether it is a file of this machine."""
        return "file" in _protocols(self.system)


def at(url: str) -> Stored:
    """What a URL of the user's means, here and now: with the rights and settings of this process.

    Raises:
        UserError: no such file system, or the URL holds a password.

    """
    fsspec = _fsspec()
    _, separator, rest = url.partition("://")
    if separator and "@" in rest.partition("/")[0]:
        message = "a URL with user information in it is not read: each worker is to have rights of its own"
        raise UserError(message)
    if "::" in url:
        message = f"{url}: chains of file systems are not read"
        raise UserError(message)
    try:
        system, path = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError, OSError) as error:
        message = f"{url}: {error}"
        raise UserError(message) from error
    return Stored(system, path)


def listed(url: str) -> list[Stored]:
    """The files that a URL with ``*``, ``?`` and ``[...]`` fits, in order.

    Raises:
        UserError: there is none, or they cannot be listed.

    """
    place = at(url)
    try:
        found = place.system.glob(place.path)
        paths = [path for path in found if not place.system.isdir(path)] if place.local else found
    except Exception as error:
        message = f"{url}: {said(error)}"
        raise UserError(message) from error
    if not paths:
        message = f"{url}: no such file"
        raise UserError(message)
    return [Stored(place.system, path) for path in sorted(paths)]


def name_of(place: Stored) -> str:
    """What it is called in tables: its URL, or the path of a local file; what is no text in it, escaped."""
    return _whole_name(place).encode("utf-8", "backslashreplace").decode()


def key_of(place: Stored) -> str:
    """What files about it are called: a name from a bucket becomes no path."""
    return hashlib.sha256(_whole_name(place).encode("utf-8", "surrogateescape")).hexdigest()[:32]


def _whole_name(place: Stored) -> str:
    return place.path if place.local else str(place.system.unstrip_protocol(place.path))


def identity(place: Stored) -> list[str]:
    """What differs once there is something else in a file: its size, and what the file system says of it."""
    if not place.local:
        place.system.invalidate_cache()
    known = place.system.info(place.path)
    marks = ("size", "ETag", "etag", "mtime", "LastModified", "updated", "last_modified")
    return [f"{mark} {known[mark]}" for mark in marks if known.get(mark) is not None]


@contextlib.contextmanager
def opened(place: Stored) -> Iterator[io.BufferedReader]:
    """A file to read from its start."""
    with place.system.open(place.path, "rb") as file:
        yield file if isinstance(file, io.BufferedReader) else io.BufferedReader(file, 1 << 20)


def read(place: Stored) -> bytes | None:
    """All of a small file; None where there is none."""
    if not place.local:
        place.system.invalidate_cache()
    try:
        data: bytes = place.system.cat_file(place.path)
    except FileNotFoundError:
        return None
    return data


def write(place: Stored, data: bytes) -> None:
    """Write a file: whoever reads it meanwhile has the old one or the new one."""
    if not place.local:
        place.system.pipe_file(place.path, data)
        return
    path = Path(place.path)
    output_folder(path.parent)
    part = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def passing() -> Iterator[Path]:
    """A folder of this process's own, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="plainwire-cluster-") as folder:
        yield Path(folder)


def said(error: BaseException) -> str:
    """An error in one line."""
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(words.split()) or type(error).__name__


def _protocols(system: Any) -> tuple[str, ...]:  # noqa: ANN401 - of a package that has no types
    return (system.protocol,) if isinstance(system.protocol, str) else tuple(system.protocol)


def _fsspec() -> Any:  # noqa: ANN401 - a module
    try:
        import fsspec.core  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise missing() from error
    return fsspec


def missing() -> UserError:
    """What to say where the extra is not installed."""
    return UserError("--cluster needs Dask and fsspec: pip install 'plainwire[cluster]'")
