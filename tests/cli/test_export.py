"""``plainwire export``."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from plainwire.cli.export import FORMS
from tests.builders.captures import interface, secrets, section
from tests.export import case

if TYPE_CHECKING:
    from pathlib import Path


def plainwire(*arguments: object) -> tuple[int, bytes, str]:
    command = [sys.executable, "-m", "plainwire", "export", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=120)
    return done.returncode, done.stdout, done.stderr.decode()


@pytest.fixture
def opened(tmp_path: Path) -> list[object]:
    capture, keys = case.write(tmp_path)
    return [capture, "--keys", keys]


@pytest.mark.parametrize("form", [form for form in FORMS if form != "qlog"])  # which is about QUIC alone
def test_each_form_is_written_without_secrets(form: str, opened: list[object], tmp_path: Path) -> None:
    number = [2] if FORMS[form].number else []
    status, output, error = plainwire(*opened, f"--{form}", *number)
    assert (status, error) == (0, "")
    assert output
    assert b"hunter2" not in output
    path = tmp_path / "written"
    assert plainwire(*opened, f"--{form}", *number, "-o", path)[:2] == (0, b"")
    assert path.read_bytes() == output
    assert path.stat().st_mode & 0o777 == 0o600


def test_secrets_are_written_where_they_are_asked_for(opened: list[object]) -> None:
    _, output, _ = plainwire(*opened, "--curl", 2, "--with-secrets")
    assert b"hunter2" in output


@pytest.mark.parametrize("words", [[], ["--har", "--json"], ["--curl", "2", "--keylog"]])
def test_one_form_has_to_be_named(words: list[str], opened: list[object]) -> None:
    status, output, error = plainwire(*opened, *words)
    assert (status, output) == (2, b"")
    assert "name one form: --har, " in error


def test_an_exchange_that_is_not_there_is_one_line(opened: list[object]) -> None:
    assert plainwire(*opened, "--curl", 99)[0] == 2
    assert "no exchange 99; it has 3" in plainwire(*opened, "--curl", 99)[2]


def test_the_key_log_of_a_capture_is_what_it_brings_each_line_once(tmp_path: Path) -> None:
    random, secret = "00" * 32, "11" * 32
    line = f"CLIENT_HANDSHAKE_TRAFFIC_SECRET {random} {secret}\n".encode()
    other = line.replace(b"HANDSHAKE", b"EARLY")
    path = tmp_path / "case.pcapng"
    path.write_bytes(section() + secrets(line + line) + secrets(other) + interface())
    assert plainwire(path, "--keylog") == (0, line + other, "")
