"""The case folder: the only place that knows its files' names and modes."""

from __future__ import annotations

import contextlib
import itertools
import time
from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire import folder as folders
from plainwire.model import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from plainwire.folder import Folder


class Case(Struct):
    """A case folder (0700). ``keys`` exists only while the program runs.

    ``held`` is the open folder, through which all is made and read: what the names here stand for may change.
    """

    folder: Path
    held: Folder | None = None

    @property
    def place(self) -> Folder:
        """The open folder."""
        if self.held is None:
            self.held = folders.held(self.folder)
        return self.held

    def close(self) -> None:
        """Let go of the folder."""
        if self.held is not None:
            self.held.close()
            self.held = None

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
    def sockets(self) -> Path:
        """What goes over the running program's sockets, where packets may not be captured."""
        return self.folder / "sockets.trace"

    @property
    def report_json(self) -> Path:
        """The report, for machines."""
        return self.folder / "report.json"

    @property
    def report_index(self) -> Path:
        """Where in report.json its items begin."""
        return self.folder / "report.index"

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


class HuntFolder(Struct):
    """The folder of a hunt (0700): a row for each run, and the cases of those that failed."""

    folder: Path
    held: Folder | None = None

    @property
    def place(self) -> Folder:
        """The open folder."""
        if self.held is None:
            self.held = folders.held(self.folder)
        return self.held

    @property
    def runs(self) -> Path:
        """What is kept of every run, one JSON object a line."""
        return self.folder / "runs.jsonl"

    def case(self, number: int) -> Case:
        """The case of one run."""
        return Case(self.folder / f"run-{number:04}")

    def passing(self, number: int, kind: str) -> str:
        """The name of a file that exists only while a run lasts: its output."""
        return f"run-{number:04}.{kind}"

    def begin(self, number: int) -> Case:
        """Make the case of one run.

        Raises:
            OSError: its name is taken, or there is no room.

        """
        case = self.case(number)
        case.held = self.place.folder(case.folder.name)
        return case


def create(folder: Path) -> Case:
    """Make a new case folder. One that is there is refused unless it is the user's own, empty, and no link.

    Raises:
        UserError: it cannot be made, or is there and not so.

    """
    return Case(folder, folders.made(folder))


def create_named(parent: Path, when: float, kind: str = "case") -> Case:
    """Make a new folder in ``parent``, named after the time ``when`` (seconds since the epoch)."""
    name = time.strftime(f"plainwire-{kind}-%Y%m%d-%H%M%S", time.localtime(when))
    for ordinal in itertools.count(1):
        folder = parent / (name if ordinal == 1 else f"{name}-{ordinal}")
        try:
            return Case(folder, folders.made_anew(folder))
        except FileExistsError:
            continue
        except OSError as error:
            message = f"{folder}: {error.strerror}; name a folder with -o"
            raise UserError(message) from error
    raise AssertionError


def discard(case: Case) -> None:
    """Remove a case that nobody needs. Files that are not ours stay, and then the folder too."""
    place = case.place
    files = (
        case.capture,
        case.program,
        case.keys,
        case.sockets,
        case.report_json,
        case.report_index,
        case.report_html,
        case.stdout,
        case.stderr,
    )
    for path in files:
        place.remove(path.name)
    case.held = None
    with contextlib.suppress(OSError):
        place.remove_itself()


def write(path: Path, data: bytes, place: Folder | None = None) -> None:
    """Write a new file of a case, whole or not at all; ``place`` is the case's open folder.

    Raises:
        OSError: it cannot be written (full disk).

    """
    (place or folders.held(path.parent)).write(path.name, data)
