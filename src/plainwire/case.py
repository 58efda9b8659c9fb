"""The case folder: the only place that knows its files' names and modes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from plainwire.model import UserError


@dataclass(frozen=True, slots=True)
class Case:
    """A case folder (0700). ``keys`` exists only while the program runs."""

    folder: Path

    @property
    def capture(self) -> Path:
        return self.folder / "capture.pcapng"

    @property
    def program(self) -> Path:
        return self.folder / "program.jsonl"

    @property
    def keys(self) -> Path:
        return self.folder / "keys.log"

    @property
    def report_json(self) -> Path:
        return self.folder / "report.json"

    @property
    def report_html(self) -> Path:
        return self.folder / "report.html"


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
