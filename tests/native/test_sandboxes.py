"""Processes that forbid themselves system calls: silent from then on, and what was told before stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attack.programs import SOURCES

from plainwire.acquire import events, interposer
from tests.native.conftest import noted
from tests.needs import tool

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.native.conftest import Compile, Preloaded

FILTERED = (SOURCES / "filtered.c").read_text()


def test_nothing_is_told_from_inside_a_sandbox(
    compiled: Compile, preloaded: Preloaded, tmp_path: Path
) -> None:
    done = preloaded(compiled("filtered", FILTERED, f"-I{SOURCES}"), "asking")
    assert (done.returncode, done.stderr) == (7, "asking\n14\nwords\nparts\nstdio\n")
    told = noted(tmp_path, "connect", "stderr", "close", "shutdown", "sandbox", "end")
    assert [event["event"] for event in told] == ["connect", "sandbox"]
    assert events.read(tmp_path / "events").notes == [
        "1 process (filtered) went into a sandbox: what came then is not told"
    ]


def test_sandbox_that_was_refused_is_none(compiled: Compile, preloaded: Preloaded, tmp_path: Path) -> None:
    """Without no_new_privs an unprivileged process may not have a filter."""
    program = compiled(
        "refused",
        """
        #include "filters.h"
        #include <unistd.h>
        int main(void)
        {
            struct sock_filter list[] = {KILL_OTHERS};
            struct sock_fprog program = PROGRAM(list);
            write(2, "before\\n", 7);
            syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 1 << 30, &program);
            write(2, "after\\n", 6);
        }
        """,
        f"-I{SOURCES}",
    )
    assert preloaded(program).stderr == "before\nafter\n"
    assert [event["text"] for event in noted(tmp_path, "stderr")] == ["before\n", "after\n"]
    assert events.read(tmp_path / "events").notes == []


ALLOWING = """
    #include "filters.h"
    #include <unistd.h>
    extern char **environ;
    int main(int count, char **words)
    {
        struct sock_filter list[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
        struct sock_fprog program = PROGRAM(list);
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
        execve(words[1], words + 1, environ);
    }
"""


def test_filters_that_plainwire_has_as_well_are_no_sandbox(
    compiled: Compile, preloaded: Preloaded, tmp_path: Path
) -> None:
    """As in a container, where each process has one."""
    program = compiled("allowing", ALLOWING, f"-I{SOURCES}")
    speaking = (tool("sh"), "-c", "no-such-command")
    preloaded(program, *speaking)
    assert noted(tmp_path, "stderr") == []
    preloaded(program, *speaking, PLAINWIRE_FILTERS=str(interposer.seccomp_filters() + 1))
    assert "not found" in "".join(event["text"] for event in noted(tmp_path, "stderr"))


def test_filters_are_counted_as_the_kernel_counts_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for status, count in {
        "Seccomp:\t0\nSeccomp_filters:\t0\n": 0,
        "Name:\tx\nSeccomp:\t2\nSeccomp_filters:\t3\n": 3,
        "Seccomp:\t2\n": 1,
        "": 0,
    }.items():
        monkeypatch.setattr("pathlib.Path.read_text", lambda *_, text=status, **__: text)
        assert interposer.seccomp_filters() == count
