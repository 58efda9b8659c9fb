"""Environment that is meant for the program: it gets all of it, and plainwire's own Python nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.needs import needs

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMAND = [str(Path(sys.executable).with_name("plainwire"))]
MODULE = [sys.executable, "-m", "plainwire"]
PATIENCE = 120
MODULES = ("numpy", "click", "statistics", "sitecustomize")


@pytest.fixture
def shadows(tmp_path: Path) -> Path:
    """A folder with modules that are named as those that plainwire imports."""
    folder = tmp_path / "shadows"
    folder.mkdir()
    for name in MODULES:
        (folder / f"{name}.py").write_text(f"raise SystemExit('{name} of the program')\n")
    return folder


def run(command: Sequence[str], *words: object, folder: Path, **variables: str) -> tuple[int, str, str]:
    """The program's exit status, output and errors; in ``folder``, with just these variables."""
    done = subprocess.run(
        [str(word) for word in (*command, *words)],
        env=variables,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def seen_by_the_program(command: Sequence[str], folder: Path, **variables: str) -> dict[str, str]:
    """The environment of a program that is run, without what plainwire's own variables are."""
    needs("root")
    words = ("run", "-q", "--no-restore", "-o", folder / "case", "--", "env")
    status, said, errors = run(command, *words, folder=folder, **variables)
    assert (status, errors) == (0, "")
    pairs = dict(line.split("=", 1) for line in said.splitlines())
    ours = {"LD_PRELOAD", "SSLKEYLOGFILE"}
    return {
        name: value for name, value in pairs.items() if name not in ours and not name.startswith("PLAINWIRE_")
    }


@pytest.mark.parametrize("command", [COMMAND, MODULE], ids=["command", "module"])
def test_modules_and_settings_of_the_programs_python_are_none_of_ours(
    command: list[str], shadows: Path, tmp_path: Path
) -> None:
    path = os.environ.get("PATH", os.defpath)
    given = {"PYTHONPATH": str(shadows), "PYTHONHASHSEED": "7", "PYTHONWARNINGS": "error", "PATH": path}
    given |= {"PYTHONSTARTUP": str(shadows / "numpy.py"), "PYTHONINSPECT": "1", "PYTHONUSERBASE": "/nowhere"}
    if command == MODULE:
        (shadows / "sitecustomize.py").unlink()  # Python imports it before it is told what to run
    assert seen_by_the_program(command, tmp_path, **given) == given


def test_settings_with_which_python_does_not_start(tmp_path: Path) -> None:
    given = {"PYTHONHOME": "/nowhere", "PYTHONHASHSEED": "x", "PYTHONMALLOC": "y", "PATH": os.defpath}
    assert seen_by_the_program(COMMAND, tmp_path, **given) == given


@pytest.mark.parametrize("command", [COMMAND, MODULE], ids=["command", "module"])
def test_modules_in_the_working_directory_are_not_imported(command: list[str], shadows: Path) -> None:
    (shadows / "nothing").write_bytes(b"")
    status, _, errors = run(command, "analyze", "nothing", folder=shadows, PATH=os.defpath)
    assert (status, errors.count("\n")) == (2, 1)
    assert "of the program" not in errors


@pytest.mark.parametrize("command", [COMMAND, MODULE], ids=["command", "module"])
@pytest.mark.parametrize("given", [{}, {"LC_CTYPE": "C.UTF-8"}, {"LC_ALL": "C", "A": "b"}])
def test_nothing_comes_in_beside(command: list[str], given: dict[str, str], tmp_path: Path) -> None:
    """Python sets LC_CTYPE in the C locale; a shell sets PWD."""
    assert seen_by_the_program(command, tmp_path, **given) == given


def test_the_command_is_found_by_a_link_to_it(tmp_path: Path) -> None:
    link = tmp_path / "linked"
    link.symlink_to(COMMAND[0])
    status, said, _ = run([str(link)], "--version", folder=tmp_path)
    assert (status, said.split()[0]) == (0, "plainwire")
