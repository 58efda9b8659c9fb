"""Folders that are held open while somebody else may do with their names what he likes.

The program under study may move the folder, remove it, put a link, a pipe or another file in a file's place.
So a folder is opened once, and what is in it is made, opened, replaced and removed relative to that
descriptor; links are not followed; what is opened must be a regular file that has no other name. A file
that was made here stays open, and is what counts, whatever its name stands for later.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from msgspec import Struct, field

from plainwire import sudo
from plainwire.model import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

_Result = TypeVar("_Result")

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_NAME_ANOTHER = "name a new folder with -o"


class OpenFile(Struct, frozen=True):
    """An open file, and what it is called in messages. To be read from the start by whoever likes."""

    descriptor: int
    name: str

    def __str__(self) -> str:
        return self.name

    def reader(self) -> int:
        """A new descriptor, at the start of the file."""
        return os.open(f"/proc/self/fd/{self.descriptor}", os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY)


FileSource = str | Path | OpenFile
"""What to read from: the name of a file, or an open one."""


class Folder(Struct):
    """A folder that is held open. ``made``: descriptors of the files that were made in it, by name."""

    path: Path
    descriptor: int
    made: dict[str, int] = field(default_factory=dict)

    def make(self, name: str, flags: int = os.O_RDWR) -> int:
        """Make a new file (0600, whatever the umask), and keep it; the descriptor is the folder's to close.

        Raises:
            OSError: the name is taken, or there is no room.

        """
        descriptor = new_file(name, flags, self.descriptor)
        self.made[name] = descriptor
        return descriptor

    def open(self, name: str) -> OpenFile:
        """Open a file to read: the one that was made here, else the one that has the name now.

        Raises:
            UserError: it is not there, not to be read, a link, no regular file, or has another name too.

        """
        shown = str(self.path / name)
        if name not in self.made:
            self.made[name] = _regular_file(name, self.descriptor, shown)
        return OpenFile(self.made[name], shown)

    def appender(self, name: str) -> int:
        """A new descriptor to append to a file: the one that was made here, else the one that has the name.

        Raises:
            OSError: it is not there, or a link.

        """
        if name in self.made:
            return os.dup(self.made[name])
        return os.open(name, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self.descriptor)

    def move(self, name: str, to: Folder, new_name: str) -> None:
        """Move a file that was made here into another folder.

        Raises:
            OSError: it is not there any more.

        """
        os.rename(name, new_name, src_dir_fd=self.descriptor, dst_dir_fd=to.descriptor)
        to.made[new_name] = self.made.pop(name)

    def let_go(self, name: str) -> None:
        """Hold a file that was made here no longer: another process does."""
        os.close(self.made.pop(name))

    def has(self, name: str) -> bool:
        """Whether there is something of this name, of whatever kind, or was made here."""
        return name in self.made or _status(name, self.descriptor) is not None

    def write(self, name: str, data: bytes) -> None:
        """Make a file with this content, whole or not at all.

        Raises:
            OSError: it cannot be written (full disk).

        """
        self.fill(name, lambda file: file.write(data))

    def fill(self, name: str, write: Callable[[BinaryIO], object]) -> None:
        """Make a file that ``write`` fills, whole or not at all.

        Raises:
            OSError: it cannot be written (full disk).

        """
        descriptor = self.make(name)
        try:
            with os.fdopen(os.dup(descriptor), "wb") as file:
                write(file)
        except BaseException:
            self.remove(name)
            raise

    def replace(self, name: str, write: Callable[[BinaryIO], object]) -> None:
        """Put a file that ``write`` fills in the place of ``name``: at every moment the old or the new one.

        Raises:
            OSError: it cannot be written; the old one stays.

        """
        part = f"{name}.part"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(part, dir_fd=self.descriptor)
        self.fill(part, write)
        os.fsync(self.made[part])
        try:
            os.rename(part, name, src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)
        except OSError:
            self.remove(part)
            raise
        if name in self.made:
            os.close(self.made[name])
        self.made[name] = self.made.pop(part)

    def remove(self, name: str) -> None:
        """Remove a file; what somebody else has put in the place of one that was made here stays."""
        if name not in self.made or self._in_place(name):
            with contextlib.suppress(OSError):
                os.unlink(name, dir_fd=self.descriptor)
        if name in self.made:
            os.close(self.made.pop(name))

    def remove_itself(self) -> None:
        """Remove the folder, which is no longer held then.

        Raises:
            OSError: there is something in it, or it has another name now.

        """
        self.close()
        _as_allowed(self.path, self.path.rmdir)

    def _in_place(self, name: str) -> bool:
        status = _status(name, self.descriptor)
        return status is not None and os.path.samestat(status, os.fstat(self.made[name]))

    def folder(self, name: str) -> Folder:
        """Make a folder in this one.

        Raises:
            OSError: the name is taken, or there is no room.

        """
        with sudo.as_caller():
            os.mkdir(name, 0o700, dir_fd=self.descriptor)
            return Folder(self.path / name, os.open(name, _FOLDER, dir_fd=self.descriptor))

    def exists(self) -> bool:
        """Whether the folder is still there, wherever it is."""
        return os.fstat(self.descriptor).st_nlink != 0

    def amiss(self) -> str | None:
        """One line on what became of the folder, or of files made in it, that is not ours to have done."""
        if not self.exists():
            return "removed while the program ran; nothing is kept"
        odd = [name for name in self.made if not self._in_place(name)]
        if odd:
            return f"{', '.join(odd)} removed or replaced while the program ran"
        if _is(self.path, self.descriptor):
            return None
        return f"moved while the program ran, to {_where(self.descriptor)}"

    def hand_over(self, *names: str) -> None:
        """Give the folder and files that were made in it, all where none is named, to whoever called sudo."""
        for descriptor in (self.descriptor, *(self.made[name] for name in names or self.made)):
            sudo.hand_over(descriptor)

    def close(self) -> None:
        """Let go of the folder and its files."""
        for descriptor in (self.descriptor, *self.made.values()):
            os.close(descriptor)
        self.made.clear()


# --- folders ------------------------------------------------------------------------------------------


def held(path: Path) -> Folder:
    """Hold a folder that is there, to read from it.

    Raises:
        UserError: it is not there, may not be read, or is none.

    """
    try:
        return Folder(path, os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
    except OSError as error:
        message = f"{path}: {error.strerror}"
        raise UserError(message) from error


def made(path: Path) -> Folder:
    """Make a folder (0700), and those above it; one that is there must be the user's own, empty, and no link.

    Raises:
        UserError: it cannot be made, or is there and not so.

    """
    try:
        _as_allowed(path, lambda: path.parent.mkdir(parents=True, exist_ok=True))
        with contextlib.suppress(FileExistsError):
            return made_anew(path)
        with sudo.as_caller():
            descriptor = os.open(path, _FOLDER)
    except OSError as error:
        message = f"{path}: {'a link' if path.is_symlink() else error.strerror}; {_NAME_ANOTHER}"
        raise UserError(message) from error
    wrong = _unfit(descriptor)
    if wrong:
        os.close(descriptor)
        message = f"{path}: {wrong}; {_NAME_ANOTHER}"
        raise UserError(message)
    os.fchmod(descriptor, 0o700)
    return Folder(path, descriptor)


def _unfit(descriptor: int) -> str | None:
    """What keeps a folder that was there from being used."""
    if os.fstat(descriptor).st_uid != sudo.owner():
        return "belongs to another user"
    return "not empty" if os.listdir(descriptor) else None


def made_anew(path: Path) -> Folder:
    """Make a folder that is not there yet (0700), with the rights of the user who called sudo.

    Raises:
        OSError: it is there, or cannot be made.

    """
    _as_allowed(path, lambda: path.mkdir(mode=0o700))
    folder = Folder(path, _as_allowed(path, lambda: os.open(path, _FOLDER)))
    folder.hand_over()
    return folder


def output(path: Path, *, append: bool = False, links: bool = True) -> BinaryIO:
    """Open a file (0600 where it is new) that the user named, to write to it from the start, or at its end.

    With the rights of the user who called sudo: by now the program may have put a link there. Nobody is
    waited for. ``links``: they may be followed.

    Raises:
        OSError: it cannot be written.

    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
    flags |= (os.O_APPEND if append else os.O_TRUNC) | (0 if links else os.O_NOFOLLOW)
    descriptor = _as_allowed(path, lambda: os.open(path, flags, 0o600))
    os.set_blocking(descriptor, True)
    return os.fdopen(descriptor, "wb")


def output_folder(path: Path) -> None:
    """Make a folder (0700) for such files, and those above it, where they are not there yet.

    Raises:
        OSError: it cannot be made.

    """
    _as_allowed(path, lambda: path.mkdir(mode=0o700, parents=True, exist_ok=True))


def _as_allowed(path: Path, act: Callable[[], _Result]) -> _Result:
    """Do something to ``path`` with the rights of the user who called sudo; with root's where that user has
    none and the names on the way are root's alone, so that nobody can have them mean something else.
    """
    try:
        with sudo.as_caller():
            return act()
    except PermissionError:
        if sudo.caller() is None or not _only_root_changes(path.absolute().parent):
            raise
    return act()


def _only_root_changes(folder: Path) -> bool:
    """Whether no name on the way to a folder can be made to mean something else by anybody but root."""
    for step in (folder, *folder.parents):
        status = _status(step)
        if status is None:
            continue  # yet to be made
        shared = status.st_mode & 0o022 and not status.st_mode & stat.S_ISVTX
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != 0 or shared:
            return False
    return True


def _where(descriptor: int) -> str:
    """The name of a folder now."""
    return str(Path(f"/proc/self/fd/{descriptor}").readlink())


def _is(path: Path, descriptor: int) -> bool:
    status = _status(path)
    return status is not None and os.path.samestat(status, os.fstat(descriptor))


# --- files --------------------------------------------------------------------------------------------


def new_file(name: str | Path, flags: int = os.O_RDWR, folder: int | None = None) -> int:
    """Make a file (0600, whatever the umask) and return its descriptor; never follow a link.

    Raises:
        OSError: the name is taken, or there is no room.

    """
    only_new = os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(name, flags | only_new, 0o600, dir_fd=folder)


def _regular_file(name: str, folder: int, shown: str) -> int:
    """Open a file to read; the kernel is asked what it is before it is opened: a pipe would be waited for."""
    try:
        place = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
        try:
            wrong = _not_plain(os.fstat(place))
            if wrong is None:
                return OpenFile(place, shown).reader()
        finally:
            os.close(place)
    except OSError as error:
        wrong = error.strerror
    message = f"{shown}: {wrong}"
    raise UserError(message)


def _not_plain(status: os.stat_result) -> str | None:
    if stat.S_ISLNK(status.st_mode):
        return "a link, which is not followed"
    if not stat.S_ISREG(status.st_mode):
        return "no regular file"
    return None if status.st_nlink == 1 else "has another name too (a hard link), and is not opened"


def _status(name: str | Path, folder: int | None = None) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return None
