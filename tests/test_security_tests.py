"""docs/security-tests.md: what it names exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from attack.programs import PROGRAMS

TOP = Path(__file__).resolve().parents[1]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`(?: \(([^)]+)\))?")
LINES = (TOP / "docs" / "security-tests.md").read_text().partition("\n## What floods")[0]
NAMES = NAMED.findall(LINES)


def test_every_line_names_a_test() -> None:
    rows = [line for line in LINES.splitlines() if line.startswith("| ") and line != "| line | tests |"]
    assert len(rows) > 30
    assert [row for row in rows if NAMED.search(row) is None] == []


@pytest.mark.parametrize(("file", "name", "programs"), NAMES)
def test_each_is_there(file: str, name: str, programs: str) -> None:
    assert re.search(rf"(?m)^def {name}\(", (TOP / file).read_text()) is not None
    known = {program.name for program in PROGRAMS}
    assert set(programs.split(", ") if programs else ()) <= known
