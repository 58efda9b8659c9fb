"""Which runtime a process was."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from plainwire.acquire import runtime
from tests.needs import tool


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


def test_version_of_curl_is_not_that_of_its_library() -> None:
    curl = tool("curl")
    said = subprocess.run([curl, "--version"], capture_output=True, text=True, check=True, timeout=60)
    assert runtime.version(curl) == said.stdout.split()[1]


def test_program_that_is_not_there_has_no_version(tmp_path: Path) -> None:
    assert runtime.version(str(tmp_path / "python3")) is None


def test_only_known_runtimes_are_asked(tmp_path: Path) -> None:
    program = tmp_path / "deploy"
    program.write_text("#!/bin/sh\ntouch $0.ran\n")
    program.chmod(0o755)
    assert runtime.identify([str(program)]) == []
    assert not (tmp_path / "deploy.ran").exists()
