"""Which runtime a process was, and its version: what an exception's words mean depends on it.

Known runtimes are asked by ``--version`` once the program under study has ended; of others only the file's
name is told.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

_ANSWER_WITHIN = 5.0  # seconds
_MOST_ASKED = 8
_KNOWN = re.compile(r"(pypy|python|node|curl|wget|ruby|php|java|openssl)[-.0-9]*")
_NUMBER = re.compile(r"\d+(?:\.\d+)+")
_OF_LIBRARY = re.compile(r"libcurl/\S+")


def runtime(executable: str) -> str | None:
    """The runtime that a file is, by its name: ``python`` of ``/usr/bin/python3.11``; None for others."""
    found = _KNOWN.fullmatch(Path(executable).name)
    return found[1] if found is not None else None


def version(executable: str) -> str | None:
    """What the runtime says of its version; None where it says nothing within a few seconds."""
    try:
        done = subprocess.run(
            [executable, "-version" if runtime(executable) == "java" else "--version"],
            env={"PATH": os.defpath, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=_ANSWER_WITHIN,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    answer = _OF_LIBRARY.sub("", done.stdout.decode("utf-8", "replace"))
    found = _NUMBER.search(answer) if done.returncode == 0 else None
    return found[0] if found is not None else None


def identify(executables: list[str]) -> list[dict[str, str | None]]:
    """An event for each known runtime among ``executables``, each asked once."""
    known = [path for path in dict.fromkeys(executables) if runtime(path) is not None]
    return [
        {"event": "runtime", "exe": path, "runtime": runtime(path), "version": version(path)}
        for path in known[:_MOST_ASKED]
    ]
