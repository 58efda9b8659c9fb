"""NumPy, as it is loaded here."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
import os, pathlib
from plainwire.arrays import np
tasks = pathlib.Path("/proc/self/task")  # Linux; elsewhere threads cannot be counted so simply
threads = len(list(tasks.iterdir())) if tasks.exists() else 1
print(np.arange(3).sum(), threads, os.environ.get("OPENBLAS_NUM_THREADS"))
"""


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
