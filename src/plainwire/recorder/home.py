"""The recorder's folder, and whose is what in it.

    DIR/         0700, of whoever called sudo, as a case is
      inbox/     his: the program writes its key log and its events there; blanked as they are read
      ring/      ours alone (root's under sudo): packets of everybody until they are sifted, and secrets
      cases/     his: what was saved, each a case as of plainwire run
      cases.jsonl  a line for each: why, when, what was found
      control    a socket: plainwire trigger, plainwire snapshot

What is in ``ring`` only we can change, so that names in it mean what they meant. Everything else is made and
opened relative to descriptors, and no link is followed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire import folder as folders
from plainwire import sudo
from plainwire.case import Case
from plainwire.folder import Folder
from plainwire.model import UserError
from plainwire.recorder import erasing

if TYPE_CHECKING:
    from pathlib import Path

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
INBOX, RING, CASES, LOG, CONTROL = "inbox", "ring", "cases", "cases.jsonl", "control"
_OURS = frozenset({INBOX, RING, CASES, LOG, CONTROL})


class Home(Struct):
    """The folders, held open."""

    place: Folder
    ring: Folder
    cases: Folder

    def inbox(self) -> Case:
        """Make the folder where the program writes, as it does into a case."""
        return Case(self.place.path / INBOX, self.place.folder(INBOX))

    def close(self) -> None:
        """Let go of them; what is left of the program's lines is erased."""
        with contextlib.suppress(OSError), sudo.as_caller():
            _clear_inbox(self.place)
        for each in (self.cases, self.ring, self.place):
            each.close()


def opened(path: Path) -> Home:
    """Make the folder, or go on in that of an earlier recorder, whose ring and cases stay.

    Raises:
        UserError: it cannot be made, is something else, or another recorder is at work in it.

    """
    place = _made_or_taken(path)
    try:
        ring = _ring(place)
        _lock(ring, path)
        with sudo.as_caller():
            _clear_inbox(place)
        return Home(place, ring, _folder(place, CASES))
    except OSError as error:
        message = f"{path}: {error.strerror}"
        raise UserError(message) from error


def _made_or_taken(path: Path) -> Folder:
    try:
        with sudo.as_caller():
            there = {entry.name for entry in path.iterdir()}
    except OSError:
        there = set()
    if not there:
        return folders.made(path)
    if RING not in there or there - _OURS:
        message = f"{path}: not empty, and no recorder's folder; name a new folder with -o"
        raise UserError(message)
    with sudo.as_caller():
        descriptor = os.open(path, _FOLDER)
    if os.fstat(descriptor).st_uid != sudo.owner():
        os.close(descriptor)
        message = f"{path}: belongs to another user; name a new folder with -o"
        raise UserError(message)
    return Folder(path, descriptor)


def _ring(place: Folder) -> Folder:
    """The ring is made by us ourselves, root under sudo; one that somebody else has put there is refused."""
    with contextlib.suppress(FileExistsError):
        os.mkdir(RING, 0o700, dir_fd=place.descriptor)
    return _own(place, RING)


def _own(place: Folder, name: str) -> Folder:
    folder = Folder(place.path / name, os.open(name, _FOLDER, dir_fd=place.descriptor))
    status = os.fstat(folder.descriptor)
    if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077:
        folder.close()
        message = f"{folder.path}: not ours alone; name a new folder with -o"
        raise UserError(message)
    return folder


def _lock(ring: Folder, path: Path) -> None:
    """For as long as we live, however we end."""
    try:
        fcntl.flock(ring.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        message = f"{path}: a recorder is at work in it already"
        raise UserError(message) from None


def _clear_inbox(place: Folder) -> None:
    """What a killed recorder left there: secrets of which nobody knows the packets any more."""
    try:
        left = os.open(INBOX, _FOLDER, dir_fd=place.descriptor)
    except FileNotFoundError:
        return
    for name in os.listdir(left):  # noqa: PTH208 - of a descriptor
        erasing.erase(name, left)
    os.close(left)
    os.rmdir(INBOX, dir_fd=place.descriptor)


def _folder(place: Folder, name: str) -> Folder:
    with contextlib.suppress(FileExistsError):
        return place.folder(name)
    return Folder(place.path / name, os.open(name, _FOLDER, dir_fd=place.descriptor))


def held(path: Path) -> Home:
    """The folder of a recorder that is not at work, to look back; none begins meanwhile.

    Raises:
        UserError: it is none, not ours, or at work.

    """
    place = folders.held(path)
    try:
        ring = _own(place, RING)
        _lock(ring, path)
        return Home(place, ring, _folder(place, CASES))
    except OSError:
        message = f"{path}: no recorder's folder"
        raise UserError(message) from None
