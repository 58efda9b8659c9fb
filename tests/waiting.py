"""Waiting for what others do, for tests: it takes as long as it takes, within a minute or two."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE = 120.0  # seconds


def wait_until(true: Callable[[], bool]) -> None:
    """Return once it is true."""
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)
