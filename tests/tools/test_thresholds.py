"""Numbers that judge have a name, a unit and a source, and one value."""

from __future__ import annotations

from pathlib import Path

import pytest
import thresholds

ROOM = Path(__file__).parents[2] / "src/plainwire/diagnose"


def test_the_rules_judge_by_named_numbers_with_a_source() -> None:
    assert list(thresholds.shortcomings(ROOM)) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("def rule(x: int) -> bool:\n    return x > 500\n", "a bare number judges: x > 500"),
        ("_PATIENCE_NS = 5_000\n", "_PATIENCE_NS has no line with its unit and source"),
    ],
)
def test_a_number_without_name_or_source_is_told(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "rule.py").write_text(text)
    assert [says in line for line in thresholds.shortcomings(tmp_path)] == [True]


@pytest.mark.parametrize(
    "text",
    [
        'PATIENCE_NS = 5_000\n"""RFC 6298 section 2."""\n',
        "_MOST_CITED = 5\n",
        "def rule(x: list[int]) -> bool:\n    return len(x) > 1 and sum(x[:500]) > 0\n",
    ],
)
def test_what_has_a_source_or_judges_nothing_is_let_be(tmp_path: Path, text: str) -> None:
    (tmp_path / "rule.py").write_text(text)
    assert list(thresholds.shortcomings(tmp_path)) == []


def test_one_name_with_two_values_is_told(tmp_path: Path) -> None:
    for name, value in (("one", 1), ("two", 2)):
        (tmp_path / f"{name}.py").write_text(f'_SOON_NS = {value}\n"""Chosen."""\n')
    assert any("SOON_NS has several values" in line for line in thresholds.shortcomings(tmp_path))
