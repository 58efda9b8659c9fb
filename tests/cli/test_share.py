"""``plainwire share``."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.export import case

if TYPE_CHECKING:
    from pathlib import Path


def plainwire(*arguments: object) -> tuple[int, str, str]:
    command = [sys.executable, "-m", "plainwire", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, check=False, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def opened(tmp_path: Path) -> list[object]:
    capture, keys = case.write(tmp_path)
    return [capture, "--keys", keys]


def test_a_bundle_is_written_checked_and_verified(opened: list[object], tmp_path: Path) -> None:
    path = tmp_path / "bundle.zip"
    status, output, error = plainwire("share", *opened, "-o", path)
    assert (status, error) == (0, "")
    assert "Its packets show: hidden-retry, reset-mid-request." in output
    assert path.stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(path) as file:
        assert not any(b"hunter2" in file.read(name) for name in file.namelist())
        assert "original.pcapng" not in file.namelist()
    assert plainwire("share", *opened, "--check", path)[0] == 0
    assert plainwire("verify", path)[0] == 0


def test_what_was_to_be_hidden_is_found_in_a_bundle_that_has_it(opened: list[object], tmp_path: Path) -> None:
    path = tmp_path / "bundle.zip"
    plainwire("share", *opened, "-o", path, "--hide", "traceparent")
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("notes.txt", f"see 00-{case.TRACE}-{case.SPAN}-01")
    status, _, error = plainwire("share", *opened, "--check", path, "--hide", "traceparent")
    assert status == 1
    assert error == f"{path}: the secret of exchange 1, traceparent is in notes.txt, as it was\n"


def test_secrets_go_in_after_a_word_of_what_that_exposes(opened: list[object], tmp_path: Path) -> None:
    path = tmp_path / "bundle.zip"
    status, _, error = plainwire("share", *opened, "-o", path, "--with-secrets", "--connection", 1)
    assert status == 0
    assert "passwords, cookies, tokens, bodies" in error
    with zipfile.ZipFile(path) as file:
        assert b"TRAFFIC_SECRET" in file.read("original.pcapng")
    assert plainwire("verify", path, "-q") == (0, "", "")


def test_misuse_is_one_line(opened: list[object], tmp_path: Path) -> None:
    status, _, error = plainwire("share", *opened, "--connection", 9)
    assert (status, error.count("\n")) == (2, 1)
    assert "no connection 9; it has 3" in error
    assert plainwire("share", *opened, "--check", tmp_path / "none.zip")[0] == 2
