"""Difficult programs under plainwire do what they do alone: each of ``bench/attack``, started a few times."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from attack.command import differences
from attack.programs import PROGRAMS

from tests.needs import without

if TYPE_CHECKING:
    from collections.abc import Iterator

    from attack.programs import Program
    from attack.starts import Way


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users can reach: pytest's own are closed to them."""
    with tempfile.TemporaryDirectory(prefix="plainwire-attack-") as folder:
        yield Path(folder)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: str(program.name))
def test_program_is_the_same_as_alone(program: Program, open_folder: Path) -> None:
    missing = program.missing()
    if missing:
        without(f"not on this machine: {', '.join(missing)}")
    ways: list[Way] = ["launched", "child"]
    assert list(differences(program, open_folder, iter(ways))) == []


@pytest.mark.parametrize("name", ["strict", "closing", "signals"])
def test_program_is_the_same_by_the_whole_of_plainwire_run(name: str, open_folder: Path) -> None:
    (program,) = (program for program in PROGRAMS if program.name == name)
    assert list(differences(program, open_folder, iter(["whole"]))) == []
