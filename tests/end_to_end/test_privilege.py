"""A program of a real user's, run by ``sudo plainwire run``, that does what it can to get at what is root's.

Whatever it does to the case: its status counts, there is one clear line, nothing is waited for, and nothing
of root's comes to belong to that user or to stand in a file of his.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from plainwire.case import Case
from tests.needs import needs, tool
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
    "name", ["capture.pcapng", "keys.log", "program.jsonl", "report.json", "report.html"]
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
