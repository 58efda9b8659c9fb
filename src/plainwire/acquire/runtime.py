"""Which runtime a process was, and its version: the meaning of an exception's words depends on it.

Nothing is executed: a version is read from the file, its library, or a file beside it; failing that, the
file's name tells a part. The program itself names the files, and could name any: so a process without rights
reads them (``unprivileged``), and only when the program under study has ended.
"""

from __future__ import annotations

import mmap
import os
import platform
import re
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from plainwire.acquire import elf, unprivileged

if TYPE_CHECKING:
    from collections.abc import Iterator

_READ_WITHIN = 5.0  # seconds
_MOST_READ = 8
_LONGEST = 64 << 10  # bytes of all answers together
_LARGEST_FILE = 1 << 30
_KNOWN = re.compile(r"(pypy|python|node|curl|wget|ruby|php|java|openssl)([-.0-9]*)")
_LIBRARIES = {"python": "libpython", "ruby": "libruby", "node": "libnode"}
"""How the name of the library begins in which a small executable has its runtime."""
_WHERE = ("/usr/lib64", f"/usr/lib/{platform.machine()}-linux-gnu", "/usr/lib", "/usr/local/lib")
"""Where a loader looks by default."""
_TEXTS = {
    "python": re.compile(rb'(?:\0|PY_VERSION +")([23]\.\d+\.\d+)(?:(?:a|b|c|rc)\d+)?\+?["\0]'),
    "node": re.compile(rb"/node-v(\d+\.\d+\.\d+)[-.]"),
    "curl": re.compile(rb"curl (\d+\.\d+\.\d+)[^ ]* \("),
    "wget": re.compile(rb"\0(1\.\d\d\.\d+)\0"),
    "ruby": re.compile(rb"ruby (\d+\.\d+\.\d+)"),
    "php": re.compile(rb"PHP/(\d+\.\d+\.\d+)"),
    "java": re.compile(rb'JAVA_VERSION="(\d+(?:\.\d+)*)'),
}
"""Each runtime's version string, as it is in its file."""


def runtime(executable: str) -> str | None:
    """The runtime that a file is, by its name: ``python`` for ``/usr/bin/python3.11``; None for others."""
    found = _KNOWN.fullmatch(Path(executable).name)
    return found[1] if found is not None else None


def version(executable: str) -> str | None:
    """The version in a runtime's file, else the part that its name tells; None without either.

    ``python3.11`` is at least 3.11. A file that is not regular, or may not be read, is skipped.
    """
    known = _KNOWN.fullmatch(Path(executable).name)
    if known is None or not Path(executable).exists():
        return None
    for path in _files(Path(executable), known[1]):
        found = _python(path) if known[1] == "python" else None
        found = found or _text(path, known[1])
        if found is not None:
            return found
    return known[2].strip("-.") if "." in known[2] else None


def identify(executables: list[str]) -> list[dict[str, str | None]]:
    """An event for each known runtime among ``executables``, each read once."""
    known = [path for path in dict.fromkeys(executables) if runtime(path) is not None][:_MOST_READ]
    if not known:
        return []
    answer = unprivileged.done(
        lambda: orjson.dumps([version(path) for path in known]), within=_READ_WITHIN, most=_LONGEST
    )
    versions = orjson.loads(answer) if answer is not None else [None] * len(known)
    return [
        {"event": "runtime", "exe": path, "runtime": runtime(path), "version": told}
        for path, told in zip(known, versions, strict=True)
    ]


def _files(executable: Path, name: str) -> Iterator[Path]:
    """The files that may contain the version, the likeliest first."""
    if name == "java":
        yield executable.parent.parent / "release"
        return
    yield executable
    try:
        image = elf.read(executable)
    except OSError:
        return
    if name not in _LIBRARIES or image is None:
        return
    folders = [path.replace("$ORIGIN", str(executable.parent)) for path in image.search_path]
    for library in (needed for needed in image.needed if needed.startswith(_LIBRARIES[name])):
        yield from (Path(folder, library) for folder in (*folders, *_WHERE) if Path(folder, library).exists())
    yield from executable.parent.parent.glob(f"include/{executable.name}*/patchlevel.h")


def _python(path: Path) -> str | None:
    """``Py_Version``, a number that every Python since 3.11 exports (PY_VERSION_HEX)."""
    try:
        value = elf.exported_number(path, "Py_Version")
    except OSError:
        return None
    return None if value is None else f"{value >> 24 & 0xFF}.{value >> 16 & 0xFF}.{value >> 8 & 0xFF}"


def _text(path: Path, name: str) -> str | None:
    """What the runtime's pattern finds in the file; None if it finds nothing, or several versions."""
    pattern = _TEXTS.get(name)
    if pattern is None:
        return None
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or not 0 < status.st_size <= _LARGEST_FILE:
            return None
        with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as data:
            found = {match[1] for match in pattern.finditer(data)}
    finally:
        os.close(descriptor)
    return found.pop().decode() if len(found) == 1 else None
