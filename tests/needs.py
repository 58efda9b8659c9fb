"""What a test needs from the machine, said by the test itself."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest

from plainwire import kernel

SEARCH_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"))
"""Debian keeps nginx, haproxy and tcpdump where a user's own PATH does not look."""


def needs(*tools: str) -> None:
    """Go on only where every one of ``tools`` is there: names of commands, or ``root``."""
    missing = [tool for tool in tools if not _present(tool)]
    if missing:
        without(f"not on this machine: {', '.join(missing)} (as root, make system installs what tests use)")


def needs_kernel() -> None:
    """Go on only where the compiled kernel is there: without Rust everything works as well."""
    if kernel.compiled is None:
        without("the compiled kernel (Rust)", part_of_the_judgement=False)


def without(what: str, *, part_of_the_judgement: bool = True) -> NoReturn:
    """End a test that cannot be played here, and say ``what`` is missing: the one place that skips any.

    Under ``CI=true`` it fails: a machine that is to judge the project must have all that the judgement
    needs. What is not ``part_of_the_judgement`` may be missing there too.
    """
    if part_of_the_judgement and os.environ.get("CI") == "true":
        pytest.fail(what, pytrace=False)
    pytest.skip(what)


def tool(name: str) -> str:
    """Return the full path of the command ``name``; the test ends as in ``needs`` where there is none."""
    needs(name)
    return str(shutil.which(name, path=SEARCH_PATH))


def _present(name: str) -> bool:
    if name == "root":
        return os.geteuid() == 0
    return shutil.which(name, path=SEARCH_PATH) is not None
