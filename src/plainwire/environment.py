"""The environment as whoever started us gave it: what the program that is run is to get, whole.

Variables that are meant for the program are none for us. The command ``plainwire`` starts Python so that it
takes nothing from them (``bin/plainwire``); where somebody else has started it (``python -m plainwire``) it
starts itself anew. Python on its part leaves one behind: in the C locale it sets ``LC_CTYPE`` (PEP 538).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

_HARMLESS = frozenset({"PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PYTHONPYCACHEPREFIX"})
_COERCED = frozenset({"C.UTF-8", "C.utf8", "UTF-8"})
"""What Python sets LC_CTYPE to, the first that the system has."""
_ANEW = "import sys; sys.path.append(sys.argv.pop(1)); from plainwire.cli.main import main; main()"


def given() -> dict[str, str]:
    """The environment, without what this Python has put into it."""
    found = dict(os.environ)
    if found.get("LC_CTYPE") in _COERCED and not _had_locale():
        del found["LC_CTYPE"]
    return found


def _had_locale() -> bool:
    """The kernel keeps the environment that a process began with."""
    try:
        began_with = Path("/proc/self/environ").read_bytes()
    except OSError:
        return True
    return any(entry.startswith(b"LC_CTYPE=") for entry in began_with.split(b"\0"))


def _here() -> str:
    try:
        return str(Path.cwd())
    except OSError:  # it was removed
        return ""


def leave() -> None:
    """Start this process anew in a Python that takes nothing from the environment, where this one may have.

    Nor does the working directory bring modules from then on.
    """
    home = str(Path(__file__).parents[1])
    if not sys.flags.safe_path and sys.path[:1] in ([""], [_here()]) and _here() != home:
        del sys.path[0]
    meant = {name for name in os.environ if name.startswith("PYTHON")} - _HARMLESS
    if meant and not sys.flags.ignore_environment and sys.executable:
        words = [sys.executable, "-EP", "-c", _ANEW, home, *sys.argv[1:]]
        os.execve(sys.executable, words, given())  # noqa: S606 - no shell is wanted
