"""NumPy, as it is loaded here."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import os
from plainwire.arrays import np
print(np.arange(3).sum(), len(os.listdir("/proc/self/task")), os.environ.get("OPENBLAS_NUM_THREADS"))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts threads in /proc")
@pytest.mark.parametrize("asked", [None, "2"])
def test_loading_starts_no_thread_and_leaves_the_environment_as_it_was(asked: str | None) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}
    if asked is not None:
        environment["OPENBLAS_NUM_THREADS"] = asked
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == f"3 1 {asked}\n"
