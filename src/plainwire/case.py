"""The case folder: the only place that knows its files' names and modes."""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.model import UserError

if TYPE_CHECKING:
    from pathlib import Path


class Case(Struct, frozen=True):
    """A case folder (0700). ``keys`` exists only while the program runs."""

    folder: Path

    @property
    def capture(self) -> Path:
        """The packets, and in the end their secrets ahead of them."""
        return self.folder / "capture.pcapng"

    @property
    def program(self) -> Path:
        """What the program's side saw, one JSON object a line."""
        return self.folder / "program.jsonl"

    @property
    def keys(self) -> Path:
        """The key log of the running program."""
        return self.folder / "keys.log"

    @property
    def report_json(self) -> Path:
        """The report, for machines."""
        return self.folder / "report.json"

    @property
    def report_html(self) -> Path:
        """The report, for people."""
        return self.folder / "report.html"

    @property
    def stdout(self) -> Path:
        """What the program wrote to its standard output, where nobody else was to get it (hunt)."""
        return self.folder / "stdout.txt"

    @property
    def stderr(self) -> Path:
        """What it wrote to its standard error, likewise."""
        return self.folder / "stderr.txt"


class HuntFolder(Struct, frozen=True):
    """The folder of a hunt (0700): a row for each run, and the cases of those that failed."""

    folder: Path

    @property
    def runs(self) -> Path:
        """What is kept of every run, one JSON object a line."""
        return self.folder / "runs.jsonl"

    def case(self, number: int) -> Case:
        """The case of one run."""
        return Case(self.folder / f"run-{number:04}")

    def passing(self, number: int, kind: str) -> Path:
        """A file that exists only while a run lasts: its output, its row."""
        return self.folder / f"run-{number:04}.{kind}"


def private_file(path: Path) -> int:
    """Create ``path`` (0600, whatever the umask) and return a descriptor for writing; never follow a link."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def create(folder: Path) -> Case:
    """Make a new case folder. An existing folder is refused unless it is empty: a case is evidence."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if any(folder.iterdir()):
            message = f"{folder}: not empty; name a new folder with -o"
            raise UserError(message)
        folder.chmod(0o700)
    except OSError as error:
        message = f"{folder}: {error.strerror}"
        raise UserError(message) from error
    return Case(folder)


def create_named(parent: Path, when: float, kind: str = "case") -> Case:
    """Make a new folder in ``parent``, named after the time ``when`` (seconds since the epoch)."""
    name = time.strftime(f"plainwire-{kind}-%Y%m%d-%H%M%S", time.localtime(when))
    for ordinal in itertools.count(1):
        folder = parent / (name if ordinal == 1 else f"{name}-{ordinal}")
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            continue
        except OSError as error:
            message = f"{folder}: {error.strerror}; name a folder with -o"
            raise UserError(message) from error
        return create(folder)
    raise AssertionError


def discard(case: Case) -> None:
    """Remove a case that nobody needs. Files that are not ours stay, and then the folder too."""
    files = case.capture, case.program, case.keys, case.report_json, case.report_html
    for path in (*files, case.stdout, case.stderr):
        path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        case.folder.rmdir()


def write(path: Path, data: bytes) -> None:
    """Write a new file of the case, whole or not at all.

    Raises:
        OSError: it cannot be written (full disk).

    """
    with os.fdopen(private_file(path), "wb", buffering=0) as file:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[file.write(rest) :]
        except OSError:
            path.unlink()
            raise
