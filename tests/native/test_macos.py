"""What macOS is given in the place of the libraries' own functions, run over Linux's libraries.

dyld, which would put them there, is nowhere at hand: tests/tools/test_macos.py looks at what is built for it.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import macos
import pytest

from tests.needs import tool

if TYPE_CHECKING:
    from collections.abc import Callable

    Hooks = Callable[..., subprocess.CompletedProcess[str]]

HARNESS = Path(__file__).with_name("macos_hooks.c")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("macos") / "hooks"
    shared = [str(path) for path in macos.SOURCES if path.name != "interpose.c"]
    warnings = ["-Wall", "-Wextra", "-Werror"]
    libraries = ["-l:libssl.so.3", "-l:libcrypto.so.3", "-l:libgnutls.so.30"]
    command = [tool("gcc"), "-std=gnu11", "-O1", *warnings, str(HARNESS), *shared, *libraries]
    subprocess.run([*command, "-o", str(made)], check=True, timeout=120)
    return made


@pytest.fixture
def hooks(program: Path, tmp_path: Path) -> Hooks:
    """Run it with ``keys``, a file in ``tmp_path``, as the key log, and ``more`` variables."""

    def run(library: str, **more: str) -> subprocess.CompletedProcess[str]:
        (tmp_path / "keys").touch(0o600)
        return subprocess.run(
            [program, library],
            env=os.environ | {"PLAINWIRE_KEYS": str(tmp_path / "keys")} | more,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


def test_openssl_logs_both_sides_and_the_programs_own_callback_gets_its_lines(
    hooks: Hooks, tmp_path: Path
) -> None:
    done = hooks("openssl")
    assert (done.returncode, done.stderr) == (0, "")
    lines = (tmp_path / "keys").read_text().splitlines()
    assert len(lines) == 2
    assert lines[0] == lines[1] == done.stdout.strip()
    label, random, secret = lines[0].split()
    assert (label, len(random), len(secret)) == ("CLIENT_RANDOM", 64, 96)


def test_gnutls_does_the_same_and_goes_on_with_its_own_file(hooks: Hooks, tmp_path: Path) -> None:
    (tmp_path / "own").touch()
    done = hooks("gnutls", SSLKEYLOGFILE=str(tmp_path / "own"))
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "CLIENT_RANDOM 48\n")
    lines = (tmp_path / "keys").read_text().splitlines()
    assert len(lines) == 2
    assert lines[0] == lines[1]
    assert (tmp_path / "own").read_text().split() == lines[
        0
    ].split()  # the server's: the client has the program's


def test_a_program_of_which_nothing_is_wanted_is_left_alone(hooks: Hooks, tmp_path: Path) -> None:
    done = hooks("openssl", PLAINWIRE_KEYS="")
    assert done.returncode == 1
    assert "SSL_CTX_get_keylog_callback(client) == on_line" in done.stderr
    assert (tmp_path / "keys").read_text() == ""
