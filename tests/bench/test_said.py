"""The count of what programs said, over cases that are made here."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import said

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

REPORT = {
    "lines": 9,
    "said": [
        {"code": "reset-mid-request", "exchange": 2, "connection": 1, "why": None, "lines": 4},
        {"code": None, "exchange": None, "connection": None, "why": "It names nothing.", "lines": 2},
        {"code": None, "exchange": None, "connection": None, "why": None, "lines": 1},
    ],
}


def test_a_line_is_tied_or_told_with_a_reason_or_lost() -> None:
    assert said.fates({"program": REPORT}) == {"tied": 4, "unexplained": 2, "lost": 1, "no failure": 2}


def test_only_cases_in_which_something_was_said_are_read(tmp_path: Path) -> None:
    words = {"event": "stderr", "time": 1.0, "pid": 7, "tid": 7, "command": "x", "text": "no\n"}
    for name, lines in (("speaks", [words]), ("is-silent", [{"event": "exit", "time": 2.0, "status": 0}])):
        (tmp_path / name).mkdir()
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (tmp_path / name / "program.jsonl").write_text(text)
    assert [folder.name for folder in said.cases(tmp_path, [])] == ["speaks"]


def test_it_says_so_where_nothing_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["said.py", str(tmp_path)])
    assert said.main() == 0
