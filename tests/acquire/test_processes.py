"""Processes that run already."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from plainwire.acquire import processes

SLEEPS = "import sys; print(flush=True); sys.stdin.read()"


def test_processes_by_the_name_of_their_command(tmp_path: Path) -> None:
    """By the file's name too, where they were called something else."""
    name = tmp_path / "an-odd-name"
    name.symlink_to(sys.executable)
    with subprocess.Popen(
        [name, "-c", SLEEPS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert processes.named("an-odd-name") == [child.pid]
        assert child.pid in processes.named(Path(sys.executable).resolve().name)
        assert child.pid in processes.descendants([os.getpid()])
        assert processes.command_line(child.pid)[1:] == ["-c", SLEEPS]
        pidfd = os.pidfd_open(child.pid)
        assert not processes.has_ended(pidfd)
        child.communicate()
    assert processes.has_ended(pidfd)
    os.close(pidfd)
    assert processes.named("no-such-command") == []
    assert processes.named("an-odd-name") == []


@pytest.mark.parametrize(
    ("scope", "words"),
    [
        ("0\n", "it may not be traced"),
        (
            "1\n",
            "only root may trace it (kernel.yama.ptrace_scope is 1): sudo plainwire attach 4711, or start",
        ),
        (
            "3\n",
            "nothing may be traced here until the next start of the machine (kernel.yama.ptrace_scope is 3)",
        ),
        (None, "it may not be traced"),
    ],
)
def test_what_forbids_tracing_is_named(
    scope: str | None, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a file of Yama's says, which few kernels of test machines have."""
    monkeypatch.setattr(processes, "YAMA", tmp_path / "ptrace_scope")
    if scope is not None:
        processes.YAMA.write_text(scope)
    assert processes.why_untraceable(4711).startswith(words)
