"""Difficult programs under plainwire do what they do alone: each of ``bench/attack``, started a few times."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from attack.command import differences, repeated_differences
from attack.programs import PROGRAMS, Program

from tests.needs import without

if TYPE_CHECKING:
    from collections.abc import Iterator

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


@pytest.mark.parametrize("name", ["filtered-prctl", "few-descriptors", "errors"])
def test_program_is_the_same_again_and_again_under_one_run(name: str, open_folder: Path) -> None:
    (program,) = (program for program in PROGRAMS if program.name == name)
    assert list(repeated_differences(program, open_folder, 12)) == []


def test_differences_are_found(open_folder: Path) -> None:
    """A program that shows what it was started by: under plainwire there is a library in it."""
    shows = ["/bin/sh", "-c", "grep -c libplainwire /proc/$PPID/maps; true"]
    program = Program("parent", lambda _: shows, ())
    assert len(list(repeated_differences(program, open_folder, 4))) == 4
