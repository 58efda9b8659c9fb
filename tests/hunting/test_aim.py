"""Which process a hunt may stop: the program itself says which it is, and may say what it likes."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from plainwire.hunting import aim
from tests.needs import needs
from tests.users import become_user

if TYPE_CHECKING:
    import pytest

SLEEPS = ["sleep", "600"]


def test_a_process_that_the_program_started_may_be_stopped() -> None:
    with subprocess.Popen(
        ["sh", "-c", "sleep 600 & echo $!; wait"], stdout=subprocess.PIPE, text=True
    ) as shell:
        assert shell.stdout
        grandchild = int(shell.stdout.readline())
        assert aim._is_the_programs(shell.pid)
        assert aim._is_the_programs(grandchild)
        os.kill(grandchild, 9)


def test_other_processes_are_left_alone() -> None:
    assert not aim._is_the_programs(1)
    assert not aim._is_the_programs(os.getppid())
    assert not aim._is_the_programs(0)
    assert not aim._stopped(1, 0.0)


def test_under_sudo_a_process_of_roots_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    needs("root")
    monkeypatch.setenv("SUDO_UID", "1000")
    with subprocess.Popen(SLEEPS) as roots:
        assert not aim._is_the_programs(roots.pid)
        roots.kill()
    pid = os.fork()
    if pid == 0:
        become_user()
        os.execvp(SLEEPS[0], SLEEPS)
    try:
        while b"sleep" not in _command(pid):
            pass
        assert aim._is_the_programs(pid)
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)


def _command(pid: int) -> bytes:
    with open(f"/proc/{pid}/cmdline", "rb") as file:  # noqa: PTH123 - no more than that
        return file.read()
