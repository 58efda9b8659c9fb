"""bench/score: some plays with other clients come to the right code and party; the tables count right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from score import healthy, plays, programs, table, webservers
from score.plays import Outcome, Play

from tests.needs import needs

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("scenario", "program"),
    [
        ("keepalive-idle-race", "curl"),
        ("response-truncated", "aiohttp"),
    ],
)
def test_planted_cause_is_found_with_other_clients(scenario: str, program: str, tmp_path: Path) -> None:
    needs("root", "curl")
    found, absent = programs.available({program}, tmp_path)
    assert not absent
    outcome = plays.perform(Play(scenario, program, 1), found[0], tmp_path / "play")
    assert outcome.problems == []
    assert outcome.state in {"played", "not struck"}  # a race that is aimed at may be missed


def test_healthy_traffic_has_no_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needs("root", "nginx")
    found, _ = programs.available({"http.client", "requests"}, tmp_path)
    with webservers.serving("nginx", tmp_path / "nginx") as (port, authority):
        for program in found:
            seen = healthy.talk(program, port, authority, 4, tmp_path / program.name)
            assert (seen.findings, seen.undecrypted, seen.words) == ([], 0, "")
            assert seen.exchanges == 12
    assert capsys.readouterr().out == ""


def test_table_counts_hits_misses_false_alarms_and_wrong_parties() -> None:
    lines = list(
        table.lines(
            [
                _outcome("a", [["a", "server", "proved", "failure"]]),
                _outcome("a", []),
                _outcome("a", [["a", "client", "proved", "failure"]], wrong=["a"]),
                _outcome("a", [["b", "unknown", "likely", "failure"]], false=["b"]),
                Outcome(Play("race", "curl", 0), "not struck", ["a"]),
            ]
        )
    )
    rows = {line.split()[0]: line.split()[1:] for line in lines[: lines.index("")]}
    assert rows["a"] == ["4", "2", "0.50", "0", "1"]
    assert rows["b"] == ["0", "0", "-", "1", "0"]
    assert rows["all"] == ["4", "2", "0.500", "1", "1"]
    assert "  story (4) -> a 2, nothing 1, b 1" in lines
    assert "plays: 4 played, 1 not struck" in lines
    assert "a wrong party named as proved: 1" in lines


def test_outcome_survives_its_file() -> None:
    outcome = _outcome("a", [["a", "server", "proved", "failure"]], false=["b"])
    assert Outcome.from_json(outcome.to_json()) == outcome


def _outcome(
    expects: str, findings: list[list[str]], wrong: list[str] | None = None, false: list[str] | None = None
) -> Outcome:
    play = Play("story", "http.client", 0)
    return Outcome(play, "played", [expects], findings, wrong=wrong or [], false=false or [])
