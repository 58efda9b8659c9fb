"""Starting a program: as its user would have started it, and with what it needs to be seen."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import struct
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from plainwire import case
from plainwire.acquire import interposer
from plainwire.acquire.launch import launch
from plainwire.acquire.target import find
from plainwire.model import UserError
from tests.acquire.conftest import python
from tests.acquire.tls_server import key_lines
from tests.needs import SEARCH_PATH, needs, tool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.acquire.conftest import Run
    from tests.acquire.tls_server import TlsServer


def test_exit_status_and_output_are_the_programs_own(run: Run) -> None:
    outcome = run("/bin/sh", "-c", "echo out; echo err >&2; exit 7")
    assert (outcome.status, outcome.output, outcome.errors) == (7, "out\n", "err\n")
    assert outcome.events.command == ["/bin/sh", "-c", "echo out; echo err >&2; exit 7"]
    assert outcome.events.exit_status == 7


def test_death_by_a_signal_is_128_and_its_number(run: Run) -> None:
    outcome = run("/bin/sh", "-c", "kill -TERM $$")
    assert outcome.status == outcome.events.exit_status == 128 + signal.SIGTERM


def test_descriptors_of_the_users_shell_reach_the_program(run: Run) -> None:
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)  # noqa: FBT003 - as a shell's redirection leaves it
    with os.fdopen(reading) as pipe:
        try:
            outcome = run(sys.executable, "-c", f"import os; os.write({writing}, b'through')")
        finally:
            os.close(writing)
        assert (outcome.status, pipe.read()) == (0, "through")


def test_program_stays_in_our_process_group(run: Run) -> None:
    outcome = run(sys.executable, "-c", "import os; print(os.getpgrp())")
    assert outcome.output == f"{os.getpgrp()}\n"


def test_files_are_private_while_the_program_runs(tmp_path: Path) -> None:
    made = case.create(tmp_path / "case")
    old = os.umask(0)
    try:
        program = launch(["/bin/true"], made)
    finally:
        os.umask(old)
    program.wait()
    program.finish()
    assert {stat.S_IMODE(path.stat().st_mode) for path in (made.keys, made.program)} == {0o600}
    assert stat.S_IMODE(made.folder.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("name", "content", "mode", "exit_code"),
    [
        (None, "", 0, 127),
        ("no-such-program-anywhere", None, 0, 127),
        ("absent", None, 0, 127),
        ("plain.txt", "text", 0o644, 126),
        ("bad.sh", "#!/no/such/interpreter\n", 0o755, 126),
        ("folder", None, 0, 126),
    ],
)
def test_what_cannot_be_started_is_said_before_anything_is_done(
    tmp_path: Path, name: str | None, content: str | None, mode: int, exit_code: int
) -> None:
    path = tmp_path / (name or "x")
    (tmp_path / "folder").mkdir()
    if content is not None:
        path.write_text(content)
        path.chmod(mode)
    word = {None: "", "no-such-program-anywhere": "no-such-program-anywhere"}.get(name, str(path))
    made = case.create(tmp_path / "case")
    with pytest.raises(UserError) as refused:
        launch([word], made)
    assert refused.value.exit_code == exit_code
    assert "\n" not in str(refused.value)
    assert list(made.folder.iterdir()) == []


def test_no_command_at_all_is_misuse() -> None:
    with pytest.raises(UserError) as refused:
        find([])
    assert refused.value.exit_code == 2


def test_script_without_an_interpreter_line_runs_in_the_shell(run: Run, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text('echo "$1"\n')
    script.chmod(0o755)
    assert run(script, "word").output == "word\n"


def test_other_preloaded_libraries_stay(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_PRELOAD", "libm.so.6")
    outcome = run("/bin/sh", "-c", "echo $LD_PRELOAD")
    ours, _, others = outcome.output.strip().rpartition(":")
    assert Path(ours).name == interposer.LIBRARY
    assert others == "libm.so.6"


def test_statically_linked_program_is_left_alone_and_said_so(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "static.c"
    body = 'int main(void) { puts(getenv("LD_PRELOAD") ? "in" : "out"); }'
    source.write_text(f"#include <stdio.h>\n#include <stdlib.h>\n{body}\n")
    subprocess.run([tool("gcc"), "-static", "-o", tmp_path / "static", source], check=True, timeout=120)
    outcome = run(tmp_path / "static")
    assert (outcome.status, outcome.output, outcome.errors) == (0, "out\n", "")
    assert ["statically linked" in note for note in outcome.events.notes] == [True]


def test_program_in_go_is_left_alone_and_said_so(run: Run, tmp_path: Path) -> None:
    """Its calls go past the C library, so that none of its connections would be known as its own."""
    source = tmp_path / "main.go"
    source.write_text(
        'package main\n\nimport "C"\nimport "os"\n\nfunc main() { print(os.Getenv("LD_PRELOAD")) }\n'
    )
    subprocess.run(
        [tool("go"), "build", "-o", tmp_path / "program", source],
        env={"PATH": SEARCH_PATH, "HOME": str(tmp_path), "CGO_ENABLED": "1"},
        check=True,
        timeout=120,
    )
    outcome = run(tmp_path / "program")
    assert (outcome.status, outcome.output, outcome.errors) == (0, "", "")
    assert ["written in Go" in note for note in outcome.events.notes] == [True]


def test_program_of_another_width_is_left_alone(tmp_path: Path) -> None:
    """A 32-bit program's loader would print a complaint into its output. Only the headers are made here."""
    header = b"\x7fELF" + bytes([1, 1, 1]) + bytes(9)
    fields = struct.pack("<HHIIIIIHHHHHH", 2, 3, 1, 0, 52, 0, 0, 52, 32, 0, 0, 0, 0)
    program = tmp_path / "program"
    program.write_bytes(header + fields)
    program.chmod(0o755)
    assert "not a program of this machine's own kind" in str(find([str(program)]).untouched)


def test_without_a_compiled_interposer_the_program_runs_and_a_note_says_what_is_missing(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interposer, "compiled", lambda: None)
    outcome = run("/bin/sh", "-c", "echo ${LD_PRELOAD:-nothing}")
    assert outcome.output == "nothing\n"
    assert ["not compiled" in note for note in outcome.events.notes] == [True]


def test_nothing_is_left_outside_the_case(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    assert run("/bin/sh", "-c", "exit 0").status == 0
    assert list((tmp_path / "temporary").iterdir()) == []


def test_what_a_process_still_uses_is_not_removed(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("root")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    outcome = run("/bin/sh", "-c", "sleep 600 >/dev/null 2>&1 & echo $!")
    sleeper = int(outcome.output)
    try:
        assert [f"process {sleeper} still runs" in note for note in outcome.events.notes] == [True]
        assert [path.name for folder in (tmp_path / "temporary").iterdir() for path in folder.glob("*.so")]
    finally:
        os.kill(sleeper, signal.SIGKILL)


def test_key_log_lines_of_a_library_out_of_reach_come_from_the_users_own_file(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own.log"
    own.write_text("before\n")
    monkeypatch.setenv("SSLKEYLOGFILE", str(own))
    outcome = run("/bin/sh", "-c", 'echo "from a library" >>"$SSLKEYLOGFILE"')
    assert own.read_text() == "before\nfrom a library\n"
    assert outcome.case.keys.read_text() == "from a library\n"


def test_what_a_killed_run_has_left_is_removed_by_the_next_one(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("root")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    script = """
        import os, signal
        from plainwire.acquire import interposer
        print(interposer.stage(sink=True).folder, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    lines = textwrap.dedent(script)
    environment = dict(os.environ) | {"TMPDIR": str(tmp_path / "temporary")}
    killed = subprocess.run(
        [sys.executable, "-c", lines], env=environment, capture_output=True, text=True, check=False
    )
    left = Path(killed.stdout.strip())
    in_use = interposer.stage(sink=True)
    assert in_use.folder
    assert left.parent == tmp_path / "temporary"
    assert not left.exists()
    assert run("/bin/true").status == 0
    assert in_use.folder.exists()
    in_use.remove()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder in which another user may be given something: pytest's own are closed to others."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_under_sudo_program_and_case_are_the_callers(
    open_folder: Path, server13: TlsServer, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    needs("root", "curl")
    for name, value in {"SUDO_UID": "1", "SUDO_GID": "1", "SUDO_COMMAND": "/usr/bin/plainwire run"}.items():
        monkeypatch.setenv(name, value)
    made = case.create(open_folder / "case")
    script = f'id -u; id -g; echo "$USER $HOME"; {tool("curl")} -sSk {server13.url}'
    program = launch(["/bin/sh", "-c", script], made)
    status = program.wait(120)
    program.finish()
    captured = capfd.readouterr()
    assert (status, captured.err) == (0, "")
    assert captured.out == "1\n1\ndaemon /usr/sbin\nhello\n"
    assert {path.stat().st_uid for path in (made.folder, made.keys, made.program)} == {1}
    assert server13.secrets() == key_lines(made.keys)


def test_root_shell_that_sudo_started_stays_root(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    needs("root")
    monkeypatch.setenv("SUDO_UID", "1")
    monkeypatch.setenv("SUDO_COMMAND", "/bin/bash")
    assert run("id", "-u").output == "0\n"


def test_program_outlives_us(server13: TlsServer, tmp_path: Path) -> None:
    """Killed without a chance to do anything: the program goes on, handshakes included."""
    go, done = tmp_path / "go", tmp_path / "done"
    os.mkfifo(go)
    os.mkfifo(done)
    waiting = """read go <"$GO"; "$@" && echo yes >"$DONE" """
    command = ["/bin/sh", "-c", waiting, "sh", *python("survivor", server13, "nothing")]
    script = f"""
import os, signal
from pathlib import Path
from plainwire import case
from plainwire.acquire.launch import launch
launch({command!r}, case.create(Path({str(tmp_path / "case")!r})))
os.kill(os.getpid(), signal.SIGKILL)
"""
    environment = dict(os.environ) | {"GO": str(go), "DONE": str(done), "TMPDIR": str(tmp_path)}
    killed = subprocess.run([sys.executable, "-c", script], env=environment, check=False, timeout=120)
    assert killed.returncode == -signal.SIGKILL
    go.write_text("now\n")
    assert done.read_text() == "yes\n"
    assert server13.secrets() <= key_lines(tmp_path / "case" / "keys.log")


def test_key_log_variable_of_ours_is_for_all_but_cpython(run: Run) -> None:
    show = "import os, subprocess; print(os.environ.get('SSLKEYLOGFILE')); "
    show += "subprocess.run(['/bin/sh', '-c', 'echo ${SSLKEYLOGFILE:+set}'], check=True)"
    assert run(sys.executable, "-uc", show).output.split() == ["None", "set"]
    assert run(
        "/bin/sh", "-c", f'{sys.executable} -c \'import os; print(len(os.environ.get("SSLKEYLOGFILE", "")))\''
    ).output.split() == ["0"]


def test_key_log_variable_of_the_user_is_for_cpython_too(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "own.log"))
    script = "import os; print(os.environ['SSLKEYLOGFILE'])"
    assert run(sys.executable, "-c", script).output.split() == [str(tmp_path / "own.log")]
