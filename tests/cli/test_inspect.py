"""``plainwire inspect`` on the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from plainwire.acquire import interposer
from tests.needs import needs

if TYPE_CHECKING:
    from pathlib import Path


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
