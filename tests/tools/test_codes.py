"""Each code has all that belongs to it."""

from __future__ import annotations

from pathlib import Path

import codes

TOP = Path(__file__).parents[2]


def test_each_code_has_a_rule_a_test_and_a_story_or_says_why_not() -> None:
    assert list(codes.incomplete(TOP)) == []


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    order = tmp_path / "src/plainwire/diagnose/order.py"
    order.parent.mkdir(parents=True)
    order.write_text("")
    missing = list(codes.incomplete(tmp_path))
    assert "keepalive-idle-race: no rule: keepalive_idle_race.py is not there" in missing
