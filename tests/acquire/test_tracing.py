"""The priority of threads that stand while they are patched: high for a moment, and then what it was."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from plainwire.acquire.tracing import HASTE, Haste, StoppedProcess, given_back
from tests.needs import needs

if TYPE_CHECKING:
    from collections.abc import Iterator

THREADS = """
import threading, time
for _ in range(3):
    threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
print(flush=True)
time.sleep(600)
"""


@pytest.fixture
def threads() -> Iterator[list[int]]:
    needs("root")
    with subprocess.Popen([sys.executable, "-c", THREADS], stdout=subprocess.PIPE) as program:
        assert program.stdout is not None
        program.stdout.readline()
        found = sorted(int(thread.name) for thread in Path(f"/proc/{program.pid}/task").iterdir())
        for thread in found:
            os.setpriority(os.PRIO_PROCESS, thread, 7)
        yield found
        program.kill()


def nice(threads: list[int]) -> set[int]:
    return {os.getpriority(os.PRIO_PROCESS, thread) for thread in threads}


def test_all_threads_have_it_while_they_stand_and_not_longer(threads: list[int]) -> None:
    assert nice(threads) == {7}
    pid = os.fork()  # as ``patcher`` does: what is left of tracing ends with it
    if pid == 0:
        with StoppedProcess(threads[0], 60.0):
            during = nice(threads)
        os._exit(during != {HASTE} or nice(threads) != {7})
    assert os.waitpid(pid, 0)[1] == 0
    assert nice(threads) == {7}


def test_where_who_gave_it_is_killed_another_takes_it_back(threads: list[int]) -> None:
    os.setpriority(os.PRIO_PROCESS, threads[1], HASTE)  # its own
    reading, writing = os.pipe2(os.O_NONBLOCK)
    haste = Haste(writing)
    for thread in threads:
        haste.give(thread)
    assert nice(threads) == {HASTE}
    given_back(reading)
    assert nice(threads) == {7, HASTE}
    assert os.getpriority(os.PRIO_PROCESS, threads[1]) == HASTE
    os.close(reading)
    os.close(writing)
