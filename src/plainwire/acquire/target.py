"""Which file a command starts, and whether the interposer may go into it.

Decided before anything is started, captured or written: a mistyped name costs nothing.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.acquire import elf, interposer
from plainwire.model import Discreet, UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

NOT_FOUND, NOT_EXECUTABLE = 127, 126
"""Exit statuses of a shell for the same mistakes (POSIX, Shell Command Language, 2.8.2)."""

_SCRIPTS_DEEP = 4  # how far Linux follows one script's interpreter that is itself a script


class Target(Discreet, Struct, frozen=True):
    """A command that can be started. ``argv`` is what to start ``program`` with."""

    unshown = ("elf",)

    program: str
    """The path to give to the kernel: a script's interpreter, and so its ``$0``, gets it as it is."""
    argv: list[str]
    untouched: str | None = None
    """Why the interposer stays out (one line for the user); None if it goes in."""
    elf: elf.Elf | None = None

    @property
    def hands_on(self) -> bool:
        """Whether the interposer's variables do nothing to it, which has no loader, and reach what it starts:
        who listens to programs in Go (``go_children``) takes them out where they would do harm.
        """
        image = self.elf
        return image is not None and image.native and image.go and image.interpreter is None


def find(command: Sequence[str]) -> Target:
    """Find the program of ``command`` as a shell would.

    Raises:
        UserError: there is none (exit code 127), or it is not executable (126).

    """
    if not command:
        message = "no command given, e.g.: plainwire run -- python test.py"
        raise UserError(message)
    program = _on_path(command[0])
    binary, has_interpreter_line = _binary(program)
    argv = list(command)
    if binary is None and not has_interpreter_line:  # what execvp(3) does with a script without "#!"
        program, argv = "/bin/sh", ["/bin/sh", program, *command[1:]]
        binary, _ = _binary(program)
    image = _headers(binary) if binary else None
    return Target(program, argv, _reason_to_stay_out(command[0], image), image)


def _on_path(name: str) -> str:
    """The path of a command, with a slash: without one, ``execvp`` would search again."""
    found = shutil.which(name)
    if found is not None:
        return found if "/" in found else f"./{found}"  # PATH has an empty entry
    path = Path(name)
    if "/" not in name or not path.exists():
        message = f"{name}: no such file" if "/" in name else f"{name}: command not found"
        raise UserError(message, NOT_FOUND)
    message = f"{name}: is a folder" if path.is_dir() else f"{name}: not executable (chmod +x)"
    raise UserError(message, NOT_EXECUTABLE)


def _binary(program: str) -> tuple[Path | None, bool]:
    """Follow ``#!`` lines to the file that the kernel loads; also whether ``program`` has such a line."""
    at = Path(program)
    for depth in range(_SCRIPTS_DEEP + 1):
        start = _first_bytes(at)
        if not start.startswith(b"#!"):
            return (at if start.startswith(b"\x7fELF") else None), depth > 0
        words = start[2:].split(b"\n", 1)[0].split()
        if not words:
            return None, False
        interpreter = Path(os.fsdecode(words[0]))
        if not os.access(interpreter, os.X_OK):
            message = f"{program}: its interpreter {interpreter} cannot be started"
            raise UserError(message, NOT_EXECUTABLE)
        at = interpreter
    return None, True


def _first_bytes(path: Path) -> bytes:
    """A file that may be run but not read (mode 0711) gives nothing: it is accepted as it is."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb") as file:
            return file.read(256) or b""
    except OSError:
        return b"\x7fELF"


def _headers(path: Path) -> elf.Elf | None:
    try:
        return elf.read(path)
    except OSError:
        return None


def _reason_to_stay_out(name: str, image: elf.Elf | None) -> str | None:
    if image is None:
        return None
    later = "its secrets cannot be had yet"
    reasons = {
        f"{name} is not a program of this machine's own kind: {later}": not image.native,
        f"{name} is statically linked: {later}": image.interpreter is None,
        f"{name} has another loader than glibc's and musl's: {later}": not image.takes_preloads,
        f"{name} is written in Go, which does without the C library: {later}": image.go,
        f"{name} is built with a sanitizer, whose library must come before all others": any(
            interposer.is_sanitizer(needed) for needed in image.needed
        ),
    }
    return next((reason for reason, holds in reasons.items() if holds), None)
