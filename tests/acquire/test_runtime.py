"""Which runtime a process was. Its files are named by the program under study, and so are not trusted."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

from plainwire.acquire import runtime
from tests.needs import needs, tool
from tests.users import USER, home, open_folder

__all__ = ["home", "open_folder"]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/usr/bin/python3.11", "python"),
        ("/usr/bin/node", "node"),
        ("/usr/lib/jvm/java-17-openjdk-amd64/bin/java", "java"),
        ("/usr/bin/php8.2", "php"),
        ("/usr/bin/curl", "curl"),
        ("/usr/bin/curlie", None),
        ("/srv/python-app/server", None),
    ],
)
def test_runtime_is_told_by_the_files_name(path: str, name: str | None) -> None:
    assert runtime.runtime(path) == name


def test_version_is_what_the_runtime_says() -> None:
    assert runtime.version(str(Path(sys.executable).resolve())) == platform.python_version()


@pytest.mark.parametrize("name", ["curl", "java", "node", "php", "ruby", "wget"])
def test_version_in_the_file_is_the_one_that_the_runtime_tells(name: str) -> None:
    path = str(Path(tool(name)).resolve())
    option = "-version" if name == "java" else "--version"
    said = subprocess.run([path, option], capture_output=True, text=True, check=True, timeout=60)
    number = re.search(r"\d+(\.\d+)+", said.stdout + said.stderr)
    assert number
    assert runtime.version(path) == number[0]


def test_program_that_is_not_there_has_no_version(tmp_path: Path) -> None:
    assert runtime.version(str(tmp_path / "python3")) is None


def test_a_version_that_the_file_does_not_hold_is_in_part_in_its_name(tmp_path: Path) -> None:
    (tmp_path / "python3.10").write_bytes(b"\x7fELF and nothing else")
    (tmp_path / "python3").write_bytes(b"\x7fELF and nothing else")
    assert runtime.version(str(tmp_path / "python3.10")) == "3.10"
    assert runtime.version(str(tmp_path / "python3")) is None


def test_only_known_runtimes_are_looked_at(tmp_path: Path) -> None:
    (tmp_path / "deploy").write_bytes(b"curl 9.9.9 (")
    assert runtime.identify([str(tmp_path / "deploy")]) == []


def test_nothing_that_the_program_names_is_run(tmp_path: Path) -> None:
    program = tmp_path / "python3"
    program.write_text("#!/bin/sh\ntouch $0.ran\necho Python 9.9.9\n")
    program.chmod(0o755)
    assert _versions(program) == [None]
    assert list(tmp_path.iterdir()) == [program]


def test_a_pipe_that_nobody_writes_to_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "python3")
    os.mkfifo(tmp_path / "curl")
    assert _versions(tmp_path / "python3", tmp_path / "curl") == [None, None]


def test_under_sudo_a_file_that_only_root_may_read_is_not_read(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUDO_UID", "1")
    monkeypatch.setenv("SUDO_COMMAND", "/usr/bin/plainwire run")
    for name, mode in (("curl", 0o600), ("node", 0o644)):
        (open_folder / name).write_bytes(b"curl 9.9.9 (/node-v9.9.9.")
        (open_folder / name).chmod(mode)
    assert _versions(open_folder / "curl", open_folder / "node") == [None, "9.9.9"]


def test_as_root_a_file_that_its_owner_keeps_to_himself_is_not_read(home: Path) -> None:
    """What a process of another user wrote reaches root too: by the sink."""
    needs("root")
    for name, mode in (("curl", 0o600), ("node", 0o644)):
        (home / name).write_bytes(b"curl 9.9.9 (/node-v9.9.9.")
        (home / name).chmod(mode)
        os.chown(home / name, USER, USER)
    assert _versions(home / "curl", home / "node") == [None, "9.9.9"]


def _versions(*paths: Path) -> list[str | None]:
    return [event["version"] for event in runtime.identify([str(path) for path in paths])]
