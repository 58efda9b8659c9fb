"""Start a program again and again, and write down what came of each start.

    python runner.py OUT STARTS -- COMMAND

Alone, or under ``plainwire run``, which it knows nothing of. Every other start is by a shell. OUT gets a line
of JSON for each outcome that differs from those before: exit status as a shell has it, output and errors (one
character a byte), and how often it came.
"""

from __future__ import annotations

import collections
import json
import os
import subprocess
import sys
import tempfile
from typing import IO

WITHIN = 120
"""Seconds that one start may take."""
KILLED = -1
"""In place of a status: it took longer."""
BY_SHELL = ("/bin/sh", "-c", '"$@"; exit $?', "sh")


def main(out: str, starts: int, command: list[str]) -> None:
    """See the module."""
    outcomes: collections.Counter[tuple[int, str, str]] = collections.Counter()
    for number in range(starts):
        outcomes[_outcome([*BY_SHELL, *command] if number % 2 else command)] += 1
    with open(out, "w", encoding="ascii") as file:  # noqa: PTH123 - little is imported here
        file.writelines(json.dumps([*outcome, times]) + "\n" for outcome, times in outcomes.items())


def _outcome(command: list[str]) -> tuple[int, str, str]:
    """What the program writes goes to files, which tell it nothing about us."""
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, close_fds=False
        ) as process:
            try:
                status = process.wait(WITHIN)
                status = status if status >= 0 else 128 - status
            except subprocess.TimeoutExpired:
                process.kill()
                status = KILLED
        return status, _read(output), _read(errors)


def _read(file: IO[bytes]) -> str:
    file.seek(0, os.SEEK_SET)
    return file.read().decode("latin-1")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[4:])
