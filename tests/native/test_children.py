"""Functions that tell how a child ended: a signal is told, and what the program is told stays as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.acquire import events
from tests.native.conftest import noted

if TYPE_CHECKING:
    from pathlib import Path

    from tests.native.conftest import Compile, Preloaded

PROGRAM = """
    #define _GNU_SOURCE
    #include <signal.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <sys/resource.h>
    #include <sys/wait.h>
    #include <unistd.h>

    static pid_t child(int number)
    {
        const pid_t pid = fork();
        if (!pid) {
            if (!number)
                _exit(3);
            signal(number, SIG_DFL); /* nohup and shells in the background leave them ignored */
            kill(getpid(), number);
            for (;;)
                pause();
        }
        return pid;
    }

    int main(void)
    {
        int status = -1;
        siginfo_t about = {0};
        struct rusage usage;
        printf("%d", wait(&status) == -1);
        printf("%d", child(SIGTERM) == wait(NULL));
        printf("%d", child(SIGKILL) == waitpid(-1, &status, 0) && WTERMSIG(status) == SIGKILL);
        printf("%d", child(SIGHUP) == wait3(&status, 0, &usage) && WTERMSIG(status) == SIGHUP);
        printf("%d", child(SIGINT) == wait4(-1, NULL, 0, NULL));
        printf("%d", waitid(P_PID, child(SIGTERM), &about, WEXITED) == 0 && about.si_status == SIGTERM);
        printf("%d", child(0) == waitpid(-1, &status, 0) && WEXITSTATUS(status) == 3);
        printf("%d", waitid(P_PID, child(0), &about, WEXITED) == 0 && about.si_code == CLD_EXITED);
        printf("%d\\n", waitid(P_ALL, 0, NULL, WEXITED) == -1);
    }
"""


def test_a_signal_that_ended_a_child_is_told_by_each_way_of_waiting(
    compiled: Compile, preloaded: Preloaded, tmp_path: Path
) -> None:
    done = preloaded(compiled("waits", PROGRAM))
    assert (done.stdout, done.returncode) == ("111111111\n", 0)
    assert [event["signal"] for event in noted(tmp_path, "killed")] == [15, 9, 1, 2, 15]
    assert [each.signal for each in events.read(tmp_path / "events").killed] == [15, 9, 1, 2, 15]
