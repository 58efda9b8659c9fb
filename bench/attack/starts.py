"""One start of a program, alone or under plainwire, and all that can be seen of it from outside."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from plainwire import case
from plainwire.acquire.launch import launch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Way = Literal["launched", "child", "whole"]
"""``launched`` by plainwire itself; as the ``child`` of a shell that plainwire launched; by the ``whole`` of
``plainwire run``, with its capture and report.
"""
WITHIN = 120.0
"""Seconds."""


class Outcome(Struct, frozen=True):
    """What a start came to. ``status`` as a shell has it: 128 + n where signal n ended the program."""

    status: int
    output: bytes
    errors: bytes


def alone(command: Sequence[str], way: Way) -> Outcome:
    """Start the program without plainwire."""

    def start(_: Path) -> int:
        return _status(_worded(command, way))

    return _seen(start)


def under_plainwire(command: Sequence[str], way: Way) -> Outcome:
    """Start it under plainwire."""
    return _seen(_whole(command) if way == "whole" else _launched(_worded(command, way)))


def _worded(command: Sequence[str], way: Way) -> list[str]:
    return ["/bin/sh", "-c", '"$@"; exit $?', "sh", *command] if way == "child" else list(command)


def _launched(command: Sequence[str]) -> Callable[[Path], int]:
    def start(folder: Path) -> int:
        program = launch(command, case.create(folder / "case"))
        try:
            return program.wait(WITHIN)
        finally:
            if program.poll() is None:
                program.send_signal(9)
                program.wait()
            program.finish()

    return start


def _whole(command: Sequence[str]) -> Callable[[Path], int]:
    def start(folder: Path) -> int:
        run = [sys.executable, "-m", "plainwire", "run", "-q", "-o", str(folder / "case"), "--", *command]
        return _status(run)

    return start


def _status(command: Sequence[str]) -> int:
    """Descriptors that we were given go on, as they do where plainwire starts a program."""
    ended = subprocess.run(command, check=False, timeout=WITHIN, close_fds=False)
    return ended.returncode if ended.returncode >= 0 else 128 - ended.returncode


def _seen(start: Callable[[Path], int]) -> Outcome:
    """What the program writes goes to files, which tell it nothing about us."""
    with tempfile.TemporaryDirectory(prefix="plainwire-attack-") as made:
        output, errors = Path(made, "output"), Path(made, "errors")
        with _descriptor(0, Path(os.devnull)), _descriptor(1, output), _descriptor(2, errors):
            status = start(Path(made))
        return Outcome(status, output.read_bytes(), errors.read_bytes())


@contextlib.contextmanager
def _descriptor(number: int, path: Path) -> Iterator[None]:
    """For a while ``number`` is a file, for us and what we start."""
    sys.stdout.flush()
    kept = os.dup(number)
    opened = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.dup2(opened, number)
        os.close(opened)
        yield
    finally:
        os.dup2(kept, number)
        os.close(kept)
