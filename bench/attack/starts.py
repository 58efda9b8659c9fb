"""One start of a program, alone or under plainwire, and all that can be seen of it from outside."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from attack.runner import BY_SHELL
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
_RUNNER = Path(__file__).with_name("runner.py")


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
    return [*BY_SHELL, *command] if way == "child" else list(command)


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


def repeated(command: Sequence[str], starts: int, *, under: bool) -> Counter[Outcome]:
    """How often which outcome comes of starting the program so often, all of them under one ``plainwire run``
    or alone: by ``runner``.
    """
    found: Counter[Outcome] = Counter()
    with tempfile.TemporaryDirectory(prefix="plainwire-attack-") as made:
        out, case_folder = Path(made, "outcomes"), Path(made, "case")
        run = [sys.executable, "-m", "plainwire", "run", "-q", "-o", str(case_folder), "--"] if under else []
        runner = [sys.executable, str(_RUNNER), str(out), str(starts), "--", *command]
        ended = subprocess.run([*run, *runner], check=False, stdin=subprocess.DEVNULL, capture_output=True)
        if not out.exists():
            message = f"the runner came to nothing, status {ended.returncode}: {ended.stderr!r}"
            raise RuntimeError(message)
        for line in out.read_text(encoding="ascii").splitlines():
            status, output, errors, times = json.loads(line)
            found[Outcome(status, output.encode("latin-1"), errors.encode("latin-1"))] += times
    return found


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
