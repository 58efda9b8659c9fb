"""A network for each process that runs tests, so that none sees the packets of another's.

plainwire captures what the loopback carries, and tests that run side by side would find the connections of
the others in their captures. What fetches packages runs outside.
"""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from plainwire.lab import namespaces
from plainwire.model import UserError
from tests.needs import tool

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_outside: list[int] = []
"""The namespace that this process came from, open; empty where it is still there."""


def enter() -> None:
    """Move this thread, and what it starts, into a network of its own where the machine allows it."""
    if os.geteuid() or _outside:
        return
    came_from = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        namespaces.enter_new(user=False)
    except UserError:
        os.close(came_from)
    else:
        _outside.append(came_from)


def fetches(command: Sequence[object], *, where: Path, seconds: float = 240) -> bool:
    """Whether ``command``, which fetches packages, ended well: in the machine's own network, unobserved."""
    words = [str(word) for word in command]
    if _outside:
        words = [tool("nsenter"), f"--net=/proc/self/fd/{_outside[0]}", *words]
    environment = {key: value for key, value in os.environ.items() if key != "LD_PRELOAD"}
    done = subprocess.run(
        words,
        cwd=where,
        env=environment,
        pass_fds=_outside,
        capture_output=True,
        timeout=seconds,
        check=False,
    )
    return done.returncode == 0
