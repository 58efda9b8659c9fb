"""What a test needs from the machine, said by the test itself."""

from __future__ import annotations

import os
import shutil

import pytest

SEARCH_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"))
"""Debian keeps nginx, haproxy and tcpdump where a user's own PATH does not look."""


def needs(*tools: str) -> None:
    """Go on only where every one of ``tools`` is there: names of commands, or ``root``.

    Elsewhere the test is skipped and says what is missing. Under ``CI=true`` that is a failure:
    a machine that is to judge the project must have all that the judgement needs.
    """
    missing = [tool for tool in tools if not _present(tool)]
    if not missing:
        return
    message = f"not on this machine: {', '.join(missing)} (as root, make system installs what tests use)"
    if os.environ.get("CI") == "true":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def tool(name: str) -> str:
    """Return the full path of the command ``name``; the test ends as in ``needs`` where there is none."""
    needs(name)
    return str(shutil.which(name, path=SEARCH_PATH))


def _present(name: str) -> bool:
    if name == "root":
        return os.geteuid() == 0
    return shutil.which(name, path=SEARCH_PATH) is not None
