"""``plainwire inspect`` on the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from plainwire.acquire import interposer
from tests.needs import needs
from tests.users import SUDO, USER, home, open_folder

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["home", "open_folder"]

MAPS = """
import mmap, sys, time
with open(sys.argv[1], "rb") as file:
    data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
print("mapped", flush=True)
time.sleep(60)
"""


def inspect(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "plainwire", "inspect", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_json_and_words_name_the_same_libraries() -> None:
    needs("curl")
    words, as_json = inspect("curl"), inspect("--json", "curl")
    assert words.returncode == as_json.returncode == 0
    libraries = json.loads(as_json.stdout)["libraries"]
    assert "OpenSSL" in {library["name"] for library in libraries}
    assert all(
        library["path"] in words.stdout and library["version"] in words.stdout for library in libraries
    )


@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [([], 2), (["--pid", "4000000"], 2), (["--pid", "1", "curl"], 2), (["no-such-program"], 127)],
)
def test_misuse_is_one_line(arguments: list[str], exit_code: int) -> None:
    done = inspect(*arguments)
    assert (done.returncode, done.stdout) == (exit_code, "")
    assert done.stderr.startswith("plainwire: ")
    assert done.stderr.count("\n") == 1


def test_names_of_files_cannot_steer_the_terminal(tmp_path: Path) -> None:
    program = tmp_path / "\x1b[31mred"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    done = inspect(str(program))
    assert "\x1b" not in done.stdout
    assert "\\x1b[31mred" in done.stdout


def test_installation_has_its_interposer() -> None:
    """Where it has none, all tests of it would fail; this one says why."""
    assert interposer.compiled() is not None, interposer.missing()


# --- under sudo ---------------------------------------------------------------------------------------


def as_caller(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "plainwire", "inspect", *map(str, arguments)]
    return subprocess.run(
        command, env={**os.environ, **SUDO}, capture_output=True, text=True, check=False, timeout=120
    )


def test_under_sudo_an_interpreter_is_asked_with_the_callers_rights(home: Path) -> None:
    program = home / "python3"
    program.write_text(f"#!/bin/sh\nid -u >>{home}/ran\nid -G >>{home}/ran\n")
    program.chmod(0o755)
    done = as_caller(program)
    assert done.returncode == 0
    assert set((home / "ran").read_text().split()) == {str(USER)}


def test_under_sudo_a_file_that_only_root_may_read_stays_closed(home: Path, open_folder: Path) -> None:
    """Its version would be told."""
    hidden = open_folder / "hidden"
    hidden.mkdir(0o700)
    library = hidden / "libssl.so.3"
    library.write_bytes(b"OpenSSL 3.9.9 1 Jan 2026")
    (home / "libssl.so.3").symlink_to(library)
    command = [sys.executable, "-c", MAPS, str(home / "libssl.so.3")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "mapped\n"
        done = as_caller("--pid", holder.pid)
        as_root = inspect("--pid", str(holder.pid))
        holder.kill()
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{holder.pid}: belongs to another user" in done.stderr
    assert "3.9.9" in as_root.stdout


def test_a_process_that_root_itself_may_not_look_at_is_not_said_to_be_anothers() -> None:
    needs("root", "setpriv")
    without = ["setpriv", "--inh-caps=-all", "--bounding-set=-all"]
    command = [*without, sys.executable, "-m", "plainwire", "inspect", "--pid", str(os.getpid())]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{os.getpid()}: root may not look at it here" in done.stderr


def test_under_sudo_a_program_of_the_callers_is_told_in_full() -> None:
    needs("root", "curl")
    assert as_caller("--json", "curl").stdout == inspect("--json", "curl").stdout
    done = as_caller("no-such-program")
    assert (done.returncode, done.stderr.count("\n")) == (127, 1)
