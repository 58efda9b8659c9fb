"""Programs in Go that other programs start: every secret of theirs, and all else as alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from plainwire import case
from plainwire.acquire import processes
from plainwire.acquire.launch import launch
from tests.acquire.conftest import python
from tests.needs import needs, tool, without
from tests.users import USER, WITHOUT_RIGHTS
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.acquire.conftest import Run
    from tests.acquire.tls_server import TlsServer

REQUESTS = 20
SHELL = ["/bin/sh", "-c", '"$@"; exit $?', "sh"]
IN_PYTHON = "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:]).returncode)"
BY_SPAWN = (
    "import os, sys; pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ); "
    "sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))"
)
BY_EXEC = "import os, sys; os.execvp(sys.argv[1], sys.argv[1:])"


@pytest.mark.parametrize(
    "by",
    [
        *("shell", "python", "posix_spawn", "posix_spawnp", "exec"),
        *("go", "go, exec", "go by a shell", "shell by go by a shell"),
    ],
)
def test_all_secrets_of_a_program_that_another_starts(
    run: Run, server13: TlsServer, built: Callable[[str], Path], by: str
) -> None:
    starting = built("starting")
    ways: dict[str, list[str | Path]] = {
        "shell": [*SHELL],
        "python": [sys.executable, "-c", IN_PYTHON],
        "posix_spawn": [sys.executable, "-c", BY_SPAWN],
        "posix_spawnp": [sys.executable, "-c", BY_SPAWN.replace("spawn(", "spawnp(")],
        "exec": [sys.executable, "-c", BY_EXEC],
        "go": [starting, "run"],
        "go, exec": [starting, "exec"],
        "go by a shell": [*SHELL, starting, "run", starting, "run"],
        "shell by go by a shell": [*SHELL, starting, "run", *SHELL],
    }
    outcome = run(*ways[by], built("static"), str(server13.port), str(REQUESTS), "4")
    assert (outcome.status, outcome.errors) == (0, "")
    assert outcome.output == f"map[HTTP/1.1 200 OK\r\n:{REQUESTS}]\n"
    assert outcome.keys == server13.secrets()
    assert {program.command for program in outcome.events.by_client_random.values()} == {"static"}


def test_all_secrets_of_a_program_in_c_that_one_in_go_starts(
    run: Run, server13: TlsServer, built: Callable[[str], Path]
) -> None:
    """The interposer cannot be in the one in Go: what it inherits goes on to the other."""
    outcome = run(built("starting"), "run", *python("plain_http", server13))
    assert (outcome.status, outcome.errors) == (0, "")
    assert outcome.keys == server13.secrets()
    assert {program.secrets_by for program in outcome.events.by_client_random.values()} == {"callback"}


@pytest.mark.parametrize("others", ["", "libm.so.6"])
def test_program_of_another_width_is_started_without_the_interposer(
    run: Run, built: Callable[[str], Path], tmp_path: Path, others: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its loader would complain of it; of what the user has there it complains as alone."""
    (tmp_path / "shows.c").write_text(
        "#include <stdio.h>\nextern char **environ;\n"
        "int main(void) { for (char **each = environ; *each; each++) puts(*each); return 7; }\n"
    )
    command = [tool("gcc"), "-m32", "-o", str(tmp_path / "shows"), str(tmp_path / "shows.c")]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        without("gcc cannot build programs of 32 bits")
    if others:
        monkeypatch.setenv("LD_PRELOAD", others)
    outcome = run(built("starting"), "run", tmp_path / "shows")
    alone = subprocess.run(
        [built("starting"), "run", tmp_path / "shows"], capture_output=True, text=True, check=False
    )
    assert (outcome.status, outcome.errors) == (alone.returncode, alone.stderr)
    shown = [line for line in outcome.output.splitlines() if line.startswith("LD_PRELOAD=")]
    assert shown == ([f"LD_PRELOAD={others}"] if others else [])
    ours = ("PLAINWIRE_", "SSLKEYLOGFILE=", "LINES=", "COLUMNS=")
    left, same = (
        [line for line in text.splitlines() if not line.startswith(ours)]
        for text in (outcome.output, alone.stdout)
    )
    assert sorted(left) == sorted(same)


def test_secrets_are_had_while_the_program_runs(
    server13: TlsServer, built: Callable[[str], Path], tmp_path: Path
) -> None:
    command = [*SHELL, str(built("static")), str(server13.port), str(REQUESTS), "4"]
    program = launch(command, case.create(tmp_path / "case"))
    assert program.wait(120) == 0
    assert {line.decode().strip() for line in program.take()} == server13.secrets()
    assert program.take() == []
    program.let_go()


def test_where_a_program_may_not_call_socket_it_is_not_made_to(
    run: Run, built: Callable[[str], Path]
) -> None:
    """It would be killed."""
    starting = built("starting")
    outcome = run(starting, "sandbox", starting, "look")
    assert outcome.status == 0
    assert f"as {os.geteuid()}" in outcome.output


@pytest.mark.parametrize("by", ["go", "shell"])
def test_program_with_rights_of_its_own_keeps_them(
    tmp_path: Path, built: Callable[[str], Path], by: str
) -> None:
    """The kernel takes them from a program that is traced by one without any."""
    needs("root", "setpriv")
    other = tmp_path / "other"
    other.write_bytes(built("starting").read_bytes())
    os.chown(other, USER, USER)
    other.chmod(0o4755)
    before = [built("starting"), "run"] if by == "go" else SHELL
    command = [str(word) for word in [*before, other, "look"]]
    script = f"""
from pathlib import Path
from plainwire import case
from plainwire.acquire.launch import launch
program = launch({command!r}, case.create(Path({str(tmp_path / "case")!r})))
status = program.wait()
program.finish()
raise SystemExit(status)
"""
    words = [*WITHOUT_RIGHTS, sys.executable, "-c", script]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"as {USER}\n" in done.stdout


def test_program_in_go_starts_others_when_we_were_killed(
    server13: TlsServer, built: Callable[[str], Path], tmp_path: Path
) -> None:
    """And the process of ours that listened ends."""
    go, done = tmp_path / "go", tmp_path / "done"
    os.mkfifo(go)
    os.mkfifo(done)
    client = [str(built("static")), str(server13.port), "1", "1"]
    command = [
        str(built("starting")),
        "wait",
        str(go),
        "/bin/sh",
        "-c",
        f'"$@" && echo yes >{done}',
        "sh",
        *client,
    ]
    script = f"""
import os, signal
from pathlib import Path
from plainwire import case
from plainwire.acquire import go_children
from plainwire.acquire.launch import launch
begin = go_children.begin
def begun(outlets):
    made = begin(outlets)
    print(made.asked.pid, flush=True)
    return made
go_children.begin = begun
launch({command!r}, case.create(Path({str(tmp_path / "case")!r})))
os.kill(os.getpid(), signal.SIGKILL)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout is not None
        listening = int(killed.stdout.readline())
        assert killed.wait(120) == -signal.SIGKILL
        wait_until(lambda: not processes.command_line(listening))  # also where nobody has waited for it
        go.write_text("now\n")
        assert done.read_text() == "yes\n"
