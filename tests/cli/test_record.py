"""Misuse of ``plainwire record``, ``trigger`` and ``snapshot``."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["record", "-o", "DIR", "--keep", "2 apples", "--", "true"], "'2 apples' is not a size"),
        (["record", "-o", "DIR", "--for", "0d", "--", "true"], "'0d' is not a duration"),
        (["record", "-o", "DIR", "--on", "stale-reuse", "--", "true"], "'stale-reuse' is no code"),
        (["record", "-o", "DIR", "--pid", "1", "--", "true"], "exclude each other"),
        (["record", "-o", "DIR", "--command", "no-such-command-here"], "no such process"),
        (["record", "--", "true"], "Missing option '-o'"),
        (["trigger", "DIR"], "No such file or directory"),
        (["snapshot", "DIR"], "No such file or directory"),
        (["snapshot", "DIR", "--since", "soon"], "'soon' is not a duration"),
    ],
)
def test_misuse_is_one_line_and_leaves_nothing_behind(tmp_path: Path, words: list[str], said: str) -> None:
    folder = tmp_path / "flight"
    command = [sys.executable, "-m", "plainwire", *(str(folder) if w == "DIR" else w for w in words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert said in done.stderr
    assert not folder.exists()


def test_a_folder_without_a_recorder_is_none(tmp_path: Path) -> None:
    for command, said in (("trigger", "no recorder is at work in it"), ("snapshot", "no recorder's folder")):
        words = [sys.executable, "-m", "plainwire", command, str(tmp_path)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (2, f"plainwire: {tmp_path}: {said}\n")
