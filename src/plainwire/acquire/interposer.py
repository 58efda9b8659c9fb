"""Where the compiled interposer is, and a folder from which every process of the program can load it.

The library is loaded by path, by processes that may no longer have the rights that plainwire has. If one of
them cannot read the path, its loader prints an error: so a privileged run loads a copy that everybody can
read.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import stat
import sys
import tempfile
from pathlib import Path

from msgspec import Struct

from plainwire.model import UserError

_PREFIX = "plainwire-stage-"
LIBRARY = "libplainwire.so"
SINK = "sink"


def compiled() -> Path | None:
    """The compiled interposer, or None if plainwire was installed without it (``missing`` says why)."""
    path = Path(__file__).with_name(LIBRARY)
    return path if path.is_file() else None


def missing() -> str:
    """One line: why this installation cannot reach a program's TLS library, and what to install."""
    if not sys.platform.startswith("linux"):
        return "secrets of a running program can be had on Linux only; for macOS see docs/macos.md"
    how = "apt install gcc libc6-dev, then install plainwire again"
    if shutil.which("cc") is None and shutil.which("gcc") is None:
        return f"the interposer was not compiled, because there is no C compiler: {how}"
    return f"the interposer was not compiled when plainwire was installed: {how}"


class Stage(Struct):
    """What the program's processes load and where they may write. We remove ``folder`` at the end.

    ``sink`` is a file that anybody may append to and only root may read: the last resort of processes that
    gave up their privileges and their descriptors. Only a privileged run has one.
    """

    preload: Path | None
    folder: Path | None = None
    sink: Path | None = None
    lock: int = -1
    """A descriptor that locks the folder; the kernel releases it, however we end."""

    def remove(self) -> None:
        """Remove the folder with the copy and the sink."""
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
            os.close(self.lock)


def stage(*, sink: bool) -> Stage:
    """Prepare the interposer for preloading.

    A copy is made for a privileged run, and if the path contains a character that separates paths in
    LD_PRELOAD.

    Args:
        sink: whether processes of the program may change to another user.

    Raises:
        UserError: there is no usable folder for temporary files.

    """
    source = compiled()
    readable = source is None or (os.geteuid() != 0 and not set(" :") & set(str(source)))
    if readable and not sink:
        return Stage(source)
    folder = _folder()
    made = Stage(None, folder, lock=_lock(folder))
    try:
        _fill(made, folder, source, sink=sink)
    except OSError as error:
        made.remove()
        message = f"{folder}: {error.strerror}"
        raise UserError(message) from error
    return made


def _fill(made: Stage, folder: Path, source: Path | None, *, sink: bool) -> None:
    if source is not None:
        made.preload = folder / LIBRARY
        shutil.copyfile(source, made.preload)
        made.preload.chmod(0o755)
    if sink:
        made.sink = folder / SINK
        made.sink.touch(0o600)
        made.sink.chmod(0o622)


def preload_list(library: Path, others: str) -> str:
    """The value of LD_PRELOAD with ``library`` and the user's ``others``.

    It comes first, so that it sees every call of the program. Only runtimes of sanitizers come before it,
    since they end a program in which they are not first.
    """
    listed = [item for item in re.split("[: ]", others) if item]
    sanitizers = [item for item in listed if is_sanitizer(Path(item).name)]
    rest = [item for item in listed if item not in sanitizers]
    return ":".join([*sanitizers, str(library), *rest])


def is_sanitizer(library: str) -> bool:
    """Whether a library of this name is the runtime of a compiler's sanitizer."""
    return library.startswith(("libasan.", "libtsan.", "libhwasan.", "liblsan.", "libclang_rt."))


def seccomp_filters() -> int:
    """The number of seccomp filters on this process (a container's, say), which are not the program's own.

    1 if there are some and the kernel does not count them (before Linux 5.9).
    """
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0
    values = dict(line.partition(":")[::2] for line in status.splitlines())
    mode, filters = (values.get(name, "0").strip() for name in ("Seccomp", "Seccomp_filters"))
    return max(int(filters), int(mode != "0"))


def users_of(folder: Path) -> list[int]:
    """Processes whose environment names ``folder``: they or their children will load from it."""
    processes = [entry for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [int(process.name) for process in processes if _names(process, folder)]


def _names(process: Path, folder: Path) -> bool:
    try:
        return os.fsencode(folder) in (process / "environ").read_bytes()
    except OSError:
        return False


def _folder() -> Path:
    """Make a new folder, 0711: others can open only names that they know, and code can be loaded from it."""
    for parent in (tempfile.gettempdir(), "/var/tmp", "/run"):  # noqa: S108 (mkdtemp makes a name of its own)
        try:
            if " " in parent or ":" in parent or os.statvfs(parent).f_flag & os.ST_NOEXEC:
                continue
            if not _keeps_names(Path(parent)):
                continue
            _sweep(Path(parent))
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        except OSError:
            continue
        folder.chmod(0o711)
        return folder
    message = "no folder for temporary files that programs can be loaded from (set TMPDIR)"
    raise UserError(message)


def _keeps_names(parent: Path) -> bool:
    """Whether nobody else can replace a folder that we make there."""
    status = parent.stat()
    shared = status.st_mode & 0o022 and not status.st_mode & stat.S_ISVTX
    return not shared and status.st_uid in (0, os.geteuid())


def _lock(folder: Path) -> int:
    """Lock ``folder`` for this process; -1 if another process has the lock."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return -1
    return descriptor


def _sweep(parent: Path) -> None:
    """Remove what killed runs have left: their sinks may contain secrets."""
    for folder in parent.glob(f"{_PREFIX}*"):
        try:
            if folder.stat(follow_symlinks=False).st_uid != os.geteuid() or not (folder / LIBRARY).exists():
                continue
            lock = _lock(folder)
        except OSError:
            continue
        if lock >= 0 and not users_of(folder):
            shutil.rmtree(folder, ignore_errors=True)
        if lock >= 0:
            os.close(lock)
