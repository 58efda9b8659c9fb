"""Programs that are started with a fresh environment belong to the program too, and do not see how."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from plainwire import case
from plainwire.acquire.launch import launch
from tests.acquire.tls_server import key_lines
from tests.needs import tool

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acquire.conftest import Run
    from tests.acquire.tls_server import TlsServer

STARTS = {
    "env": "import os; os.execvp('env', ['env', '-i', *command])",
    "run": "import subprocess; subprocess.run(command, env={}, check=True)",
    "spawn": "import os; os.waitpid(os.posix_spawn(command[0], command, {}), 0)",
    "clear": "import os, subprocess; os.environ.clear(); subprocess.run(command, check=True)",
    "twice": "import os; os.execvp('env', ['env', '-i', 'sh', '-c', 'env -i \"$@\"', 'sh', *command])",
}


@pytest.mark.parametrize("start", STARTS)
def test_secrets_are_had(run: Run, server13: TlsServer, start: str) -> None:
    command = [tool("curl"), "-sSk", server13.url]
    outcome = run(sys.executable, "-c", f"command = {command!r}\n{STARTS[start]}")
    assert (outcome.status, outcome.output, outcome.errors) == (0, "hello\n", "")
    assert outcome.keys == server13.secrets()
    assert len(outcome.events.by_client_random) == 1


@pytest.mark.parametrize("given", [[], ["A=b"], ["A=b", "LD_PRELOAD=libm.so.6:libdl.so.2", "C=d"]])
def test_environment_is_the_one_that_was_given(run: Run, given: list[str]) -> None:
    assert run("env", "-i", *given, tool("env")).output.splitlines() == given
    shown = f"import subprocess; subprocess.run(['env', '-i', *{given!r}, {tool('env')!r}])"
    assert run("env", "-i", sys.executable, "-c", shown).output.splitlines() == given


def test_program_is_left_alone_where_that_is_asked_for(server13: TlsServer, tmp_path: Path) -> None:
    made = case.create(tmp_path / "case")
    program = launch(["env", "-i", tool("curl"), "-sSk", server13.url], made, restore=False)
    assert program.wait(60) == 0
    program.finish()
    assert key_lines(made.keys) == set()
