"""What a shell completes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from plainwire.lab import scenarios
from tests.needs import needs

if TYPE_CHECKING:
    from pathlib import Path


def completed(folder: Path, *words: str) -> list[str]:
    asked = {
        "_PLAINWIRE_COMPLETE": "bash_complete",
        "COMP_WORDS": " ".join(["plainwire", *words]),
        "COMP_CWORD": str(len(words)),
    }
    command = [sys.executable, "-m", "plainwire"]
    out = subprocess.check_output(command, env={**os.environ, **asked}, cwd=folder, text=True)
    return [line.partition(",")[2] for line in out.splitlines()]


def test_codes_demos_and_cases_are_completed(tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "capture.pcapng").touch()
    (tmp_path / "bread").mkdir()
    assert completed(tmp_path, "explain", "keepalive-idle") == ["keepalive-idle-race"]
    assert set(completed(tmp_path, "demo", "")) == {each.name for each in scenarios.SCENARIOS}
    assert completed(tmp_path, "show", "br") == ["broken"]
    assert completed(tmp_path, "run", "--fail-on", "any,hidden-r") == ["any,hidden-retry"]
    assert completed(tmp_path, "sho") == ["show"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_understands_what_it_is_given(shell: str) -> None:
    script = subprocess.check_output([sys.executable, "-m", "plainwire", "completion", shell], text=True)
    assert "_PLAINWIRE_COMPLETE" in script
    if shutil.which(shell) is not None:
        subprocess.run([shell, "-n"], input=script, text=True, check=True)


def test_bash_completes_a_code(tmp_path: Path) -> None:
    needs("bash")
    script = subprocess.check_output([sys.executable, "-m", "plainwire", "completion", "bash"], text=True)
    link = tmp_path / "plainwire"
    link.write_text(f'#!/bin/sh\nexec {sys.executable} -m plainwire "$@"\n')
    link.chmod(0o700)
    ask = (
        "COMP_WORDS=(plainwire explain keepalive-idle); COMP_CWORD=2; "
        f'_plainwire_completion {link}; echo "${{COMPREPLY[*]}}"'
    )
    out = subprocess.check_output(["bash", "-c", f"{script}\n{ask}"], text=True)
    assert out.split() == ["keepalive-idle-race"]
