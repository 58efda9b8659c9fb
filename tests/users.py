"""A real user without rights, for tests of who may reach what."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.needs import needs

if TYPE_CHECKING:
    from collections.abc import Iterator

USER = 1000
"""A uid and gid. Whether the machine has a name for it makes no difference to the kernel."""

SUDO = {"SUDO_UID": str(USER), "SUDO_GID": str(USER), "SUDO_COMMAND": "/usr/bin/plainwire run"}
"""What sudo puts into the environment when that user calls it."""

WITHOUT_RIGHTS = ("setpriv", "--securebits=+noroot,+noroot_locked", "--inh-caps=-all")
"""What, put before a command, makes it root's without any of root's rights."""


def become_user() -> None:
    """Turn this process, a forked one, into that user for good."""
    os.setgroups([])
    os.setgid(USER)
    os.setuid(USER)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder of root's into which others may look: pytest's own are closed to them."""
    needs("root")
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def home(open_folder: Path) -> Path:
    """A folder of that user's."""
    folder = open_folder / "home"
    folder.mkdir()
    os.chown(folder, USER, USER)
    return folder


@pytest.fixture
def as_sudo(monkeypatch: pytest.MonkeyPatch) -> None:
    """That user has called ``sudo plainwire run``."""
    needs("root")
    for name, value in SUDO.items():
        monkeypatch.setenv(name, value)
