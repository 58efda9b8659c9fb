"""A program of a real user's, run by ``sudo plainwire run``, that does what it can to get at what is root's.

Whatever it does to the case: its status counts, there is one clear line, nothing is waited for, and nothing
of root's comes to belong to that user or to stand in a file of his.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from plainwire.acquire import kernel_sockets
from plainwire.case import Case
from tests.end_to_end.misbehaving import chatter, serving
from tests.needs import needs, tool, without
from tests.users import SUDO, USER, home, open_folder

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["home", "open_folder"]

STATUS = 9
SECRET = "of root's and nobody else's"
PATIENCE = 120.0


@pytest.fixture(autouse=True)
def _may_capture() -> None:
    needs("root", "tshark")


@pytest.fixture
def roots(open_folder: Path) -> Path:
    """A file of root's in a folder that others may look into."""
    path = open_folder / "roots"
    path.write_text(SECRET + "\n")
    path.chmod(0o600)
    return path


@pytest.fixture
def case(home: Path) -> Case:
    return Case(home / "case")


def run(case: Case, script: str, *options: str, **environment: str) -> tuple[int, str]:
    """Exit status and standard error of ``sudo plainwire run``; the program is a shell script."""
    command = [sys.executable, "-m", "plainwire", "run", "-o", str(case.folder), *options]
    done = subprocess.run(
        [*command, "--", "sh", "-c", f"cd /; {script}; exit {STATUS}"],
        env={**os.environ, **SUDO, "CASE": str(case.folder), **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode, done.stderr


def lines_about(said: str, case: Case) -> list[str]:
    return [line for line in said.splitlines() if line.startswith(f"plainwire: {case.folder}")]


def holds_secret(folder: Path) -> bool:
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return any(SECRET.encode() in path.read_bytes() for path in files)


@pytest.mark.parametrize(
    "name", ["capture.pcapng", "keys.log", "program.jsonl", "report.json", "report.index", "report.html"]
)
@pytest.mark.parametrize("put", ["ln -s $ROOTS", "mkfifo", "mkdir", "touch"])
def test_whatever_is_put_in_a_files_place_roots_file_stays_roots(
    case: Case, home: Path, roots: Path, name: str, put: str
) -> None:
    status, said = run(case, f"rm -f $CASE/{name}; {put} $CASE/{name}", ROOTS=str(roots))
    assert status == STATUS
    assert "Traceback" not in said
    assert (roots.stat().st_uid, roots.stat().st_mode & 0o777) == (0, 0o600)
    assert roots.read_text() == SECRET + "\n"
    assert not holds_secret(home)
    if name in ("capture.pcapng", "keys.log", "program.jsonl"):
        assert lines_about(said, case) == [
            f"plainwire: {case.folder}: {name} removed or replaced while the program ran"
        ]
    else:
        assert said.count("the report could not be written: File exists") == 1


def test_a_case_that_was_moved_away_is_finished_where_it_is(case: Case, home: Path) -> None:
    script = f"mv $CASE {home}/away; mkdir $CASE; touch $CASE/report.json"
    status, said = run(case, script)
    assert status == STATUS
    assert lines_about(said, case) == [
        f"plainwire: {case.folder}: moved while the program ran, to {home}/away"
    ]
    assert sorted(entry.name for entry in case.folder.iterdir()) == ["report.json"]
    there = Case(home / "away")
    assert there.report_json.stat().st_uid == USER
    subprocess.run([tool("tshark"), "-n", "-r", str(there.capture)], capture_output=True, check=True)


def test_a_case_in_whose_place_is_a_link_to_roots_folder_is_finished_where_it_is(
    case: Case, home: Path, open_folder: Path
) -> None:
    folder = open_folder / "etc"
    folder.mkdir()
    status, _ = run(case, f"mv $CASE {home}/away; ln -s {folder} $CASE")
    assert status == STATUS
    assert list(folder.iterdir()) == []
    assert folder.stat().st_uid == 0
    assert Case(home / "away").report_json.exists()


def test_a_case_that_was_removed_is_one_line(case: Case, home: Path) -> None:
    status, said = run(case, "rm -r $CASE")
    assert status == STATUS
    assert lines_about(said, case) == [
        f"plainwire: {case.folder}: removed while the program ran; nothing is kept"
    ]
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("name", ["keys.log", "program.jsonl"])
def test_a_file_of_20_gb_of_holes_is_read_in_part(case: Case, name: str) -> None:
    """In 2 GB of memory."""
    needs("prlimit")
    script = f"truncate -s 20G $CASE/{name}"
    command = [sys.executable, "-m", "plainwire", "run", "-o", str(case.folder), "--", "sh", "-c", script]
    done = subprocess.run(
        ["prlimit", f"--as={2 << 30}", *command],
        env={**os.environ, **SUDO, "CASE": str(case.folder)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert "failed" not in done.stderr
    assert case.report_json.exists()


def test_what_the_program_calls_a_runtime_is_not_run_by_root(case: Case, home: Path) -> None:
    program = home / "python3"
    program.write_text(f"#!/bin/sh\nid -u >>{home}/ran\n")
    program.chmod(0o755)
    event = '{"event": "process", "time": 1.0, "pid": 7, "command": "x", "exe": "%s"}'
    status, _ = run(case, f"printf '{event}\\n' {program} >>$CASE/program.jsonl")
    assert status == STATUS
    assert not (home / "ran").exists()


def test_the_key_log_of_the_user_is_read_with_his_rights(case: Case, home: Path, roots: Path) -> None:
    """By the time it is read, the program may have put anything where it was."""
    own = home / "own.log"
    status, _ = run(case, f"ln -sf {roots} {own}", SSLKEYLOGFILE=str(own))
    assert status == STATUS
    assert not holds_secret(home)
    status, _ = run(Case(home / "again"), f"rm -f {own}; mkfifo {own}", SSLKEYLOGFILE=str(own))
    assert status == STATUS


@pytest.mark.parametrize("put", ["ln -sf $ROOTS", "mkfifo"])
def test_what_is_written_for_a_job_is_written_with_the_users_rights(
    case: Case, home: Path, roots: Path, put: str
) -> None:
    """By the time that it is written, the program may have put anything where it was."""
    out = home / "baseline"
    status, said = run(case, f"{put} {out}", "--write-baseline", str(out), ROOTS=str(roots))
    assert status == STATUS
    assert f"plainwire: {out}: " in said
    assert roots.read_text() == SECRET + "\n"


def test_while_the_program_runs_what_is_captured_is_not_for_its_eyes(case: Case) -> None:
    """It is everybody's traffic by then."""
    status, said = run(case, "stat -c %u:%a $CASE/capture.pcapng >&2; cat $CASE/capture.pcapng >/dev/null")
    assert status == STATUS
    assert said.startswith("0:600\n")
    assert "capture.pcapng: Permission denied" in said
    assert case.capture.stat().st_uid == USER


def test_the_sink_is_for_writing_only(case: Case) -> None:
    status, said = run(case, "cat $PLAINWIRE_SINK; ls $(dirname $PLAINWIRE_SINK)")
    assert status == STATUS
    assert said.count("Permission denied") == 2


def test_what_other_programs_send_meanwhile_does_not_reach_the_user(case: Case, home: Path) -> None:
    """Root's own traffic, in clear text: neither the case holds it, nor what the user can make of it."""
    with chatter(SECRET.encode()) as spoken:
        status, _ = run(case, f"cat $CASE/capture.pcapng; sleep 0.5; cp -r $CASE {home}/copy")
        assert spoken[0] > 0
    assert status == STATUS
    assert not holds_secret(home)
    assert case.capture.stat().st_uid == USER


def test_an_event_of_the_programs_own_making_does_not_keep_everybodys_traffic(case: Case, home: Path) -> None:
    """It says that plainwire could not see its sockets."""
    event = '{"event": "note", "text": "x", "unwatched": true}'
    with chatter(SECRET.encode()):
        status, _ = run(case, f"echo '{event}' >>$CASE/program.jsonl; sleep 0.3")
    assert status == STATUS
    assert not holds_secret(home)


def test_what_is_the_programs_own_stays(case: Case, open_folder: Path) -> None:
    """Of a program that ended, and of one that was left behind with its connection open."""
    needs("curl")
    (open_folder / "server").mkdir(0o755)
    with serving(open_folder / "server") as server, chatter(SECRET.encode()):
        server.authority.chmod(0o644)
        asking = f"{tool('curl')} -s -m 20 --cacert {server.authority}"
        left = f"{asking} {server.url('silence')} >/dev/null 2>&1 &"
        script = f"{asking} {server.url('ok')} {server.url('reset')}; {left} sleep 1"
        status, said = run(case, script)
        for process in re.findall(r"process (\d+) still runs", said):
            os.kill(int(process), signal.SIGKILL)
    assert status == STATUS
    report = json.loads(case.report_json.read_bytes())
    assert [e["outcome"] for e in report["exchanges"]][:2] == ["complete", "unanswered"]
    assert {c["server"] for c in report["connections"]} == {f"127.0.0.1:{server.port}"}
    assert len(report["connections"]) == 3
    assert "the kernel knows nothing" not in said


def test_a_connection_of_anothers_that_the_program_calls_its_own_is_not(case: Case, home: Path) -> None:
    """As root, the kernel knows better."""
    witness = kernel_sockets.watch()
    if witness is None:
        without("tracepoints, as root", part_of_the_judgement=False)
    witness.stop()
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        talking = socket.create_connection(listener.getsockname())
        listening, _ = listener.accept()

        def talk() -> None:
            while not over.wait(0.01):
                talking.sendall(SECRET.encode())
                listening.recv(1000)

        thread = threading.Thread(target=talk)
        with talking, listening:
            thread.start()
            local, peer = ("{}:{}".format(*end) for end in (talking.getsockname(), talking.getpeername()))
            event = {"event": "connect", "time": time.time(), "pid": 1, "tid": 1, "command": "x"}
            event |= {"local": local, "peer": peer}
            script = f"echo '{json.dumps(event)}' >>$CASE/program.jsonl; sleep 0.3"
            status, said = run(case, script)
            over.set()
            thread.join(PATIENCE)
    assert status == STATUS
    assert "1 socket that the program called its own" in said
    assert not holds_secret(home)


def test_where_packets_cannot_be_told_apart_the_capture_stays_roots(case: Case) -> None:
    """A bug of ours, say."""
    broken = (
        "import plainwire.sifting as s; s.own_packets = None; from plainwire.cli.main import main; main()"
    )
    command = [sys.executable, "-c", broken, "run", "-o", str(case.folder), "--", "true"]
    done = subprocess.run(
        command, env={**os.environ, **SUDO}, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0
    assert "the packets of other programs could not be left out (TypeError)" in done.stderr
    assert (case.capture.stat().st_uid, case.capture.stat().st_mode & 0o777) == (0, 0o600)
    assert case.report_json.stat().st_uid == USER


def test_what_is_roots_stays_roots_where_root_runs_a_program_that_becomes_another(
    open_folder: Path, tmp_path: Path
) -> None:
    """Without sudo: the case is root's, in a folder that the other user may look into."""
    needs("setpriv")
    case, script = Case(open_folder / "case"), tmp_path / "script"
    attempts = "; ".join(f"cat $CASE/{name}; echo x >>$CASE/{name}" for name in ("keys.log", "program.jsonl"))
    script.write_text(f"{attempts}; ls $CASE; cat $CASE/capture.pcapng; mv $CASE $CASE.away; exit {STATUS}")
    other = [
        "setpriv",
        f"--reuid={USER}",
        f"--regid={USER}",
        "--clear-groups",
        "sh",
        "-c",
        script.read_text(),
    ]
    command = [sys.executable, "-m", "plainwire", "run", "-o", str(case.folder), "--", *other]
    environment = {**os.environ, "CASE": str(case.folder)}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == STATUS
    assert done.stdout == ""
    assert done.stderr.count("Permission denied") >= 7
    entries = [case.folder, *case.folder.iterdir()]
    assert {(e.stat().st_uid, e.stat().st_mode & 0o077) for e in entries} == {(0, 0)}


@pytest.mark.parametrize("kind", ["of roots", "not empty", "a link", "a file"])
def test_a_folder_that_is_not_the_users_own_and_empty_is_refused(
    case: Case, home: Path, open_folder: Path, kind: str
) -> None:
    target = open_folder / "target"
    target.mkdir()
    if kind == "a link":
        os.chown(target, USER, USER)
        case.folder.symlink_to(target)
    elif kind == "a file":
        case.folder.write_text("")
    else:
        case.folder.mkdir()
        if kind == "not empty":
            os.chown(case.folder, USER, USER)
            (case.folder / "evidence").write_text("")
    before = (case.folder.lstat().st_uid, sorted(path.name for path in home.rglob("*")))
    status, said = run(case, f"touch {home}/started")
    assert status == 2
    assert said.startswith(f"plainwire: {case.folder}: ")
    assert said.count("\n") == 1
    assert (case.folder.lstat().st_uid, sorted(path.name for path in home.rglob("*"))) == before
    assert list(target.iterdir()) == []


@pytest.mark.parametrize("closed", ["2>&-", ">&-", ">/dev/full", "2>/dev/full"])
def test_where_output_has_nowhere_to_go_the_program_runs_and_its_status_counts(
    case: Case, home: Path, closed: str
) -> None:
    program = home / "program"
    program.write_text(f"#!/bin/sh\nid -u >{home}/ran; echo words; echo words >&2; exit {STATUS}\n")
    program.chmod(0o755)
    command = f"exec {sys.executable} -m plainwire run -o {case.folder} -- ./program {closed}"
    environment = {**os.environ, **SUDO, "PATH": f"/nowhere:{os.environ['PATH']}"}
    done = subprocess.run(
        ["sh", "-c", command], env=environment, cwd=home, capture_output=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == STATUS
    assert (home / "ran").read_text() == f"{USER}\n"
    assert case.report_json.stat().st_uid == USER
    assert b"words" not in case.capture.read_bytes()
