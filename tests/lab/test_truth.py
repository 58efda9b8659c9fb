"""The score must notice every way in which a report can be wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from plainwire.lab import truth
from plainwire.lab.behaviour import Behaviour, Fault
from plainwire.lab.play import PlayFiles
from plainwire.lab.route import Route
from plainwire.lab.scenario import Scenario

if TYPE_CHECKING:
    from pathlib import Path

SCENARIO = Scenario("reset", "A story.", frozenset({"reset-mid-request"}), Behaviour(), ("serial.py",))


def _stage(
    folder: Path, findings: dict[str, list[str]], *, reset: bool = True, fault: str = "server"
) -> PlayFiles:
    """A play in which the server reset /2 (if ``reset``), and a report with ``findings``, code to targets."""
    stage = PlayFiles(folder)
    faults = {"/1": "none", "/2": "reset-mid-request" if reset else "none", "/3": "none"}
    events = [{"event": "request", "target": target, "fault": fault} for target, fault in faults.items()]
    stage.server_log.write_text("\n".join(map(json.dumps, events)), encoding="utf-8")
    stage.client_log.write_text("GET /2: Gone: away\n3 requests\n" if reset else "", encoding="utf-8")
    stage.case.folder.mkdir()
    report = {
        "exchanges": [{"id": int(target[1]), "request": {"target": target}} for target in faults],
        "findings": [
            {
                "code": code,
                "fault": fault,
                "certainty": "proved",
                "exchanges": [int(target[1]) for target in targets],
            }
            for code, targets in findings.items()
        ],
    }
    stage.case.report_json.write_text(json.dumps(report), encoding="utf-8")
    return stage


def test_right_report_has_no_problem(tmp_path: Path) -> None:
    score = truth.score(SCENARIO, _stage(tmp_path, {"reset-mid-request": ["/2"]}))
    assert score.problems == []
    assert score.raised == {"/2": "Gone: away"}


@pytest.mark.parametrize(
    ("findings", "problem"),
    [
        ({}, "not found: reset-mid-request"),
        ({"reset-mid-request": ["/2"], "client-abort": ["/2"]}, "it was not there: client-abort"),
        ({"reset-mid-request": ["/2", "/3"]}, "did not fail: /3"),
        ({"reset-mid-request": []}, "in no finding: /2"),
    ],
)
def test_wrong_report_is_noticed(findings: dict[str, list[str]], problem: str, tmp_path: Path) -> None:
    score = truth.score(SCENARIO, _stage(tmp_path, findings))
    assert any(problem in said for said in score.problems)


def test_wrong_party_is_noticed(tmp_path: Path) -> None:
    stage = _stage(tmp_path, {"reset-mid-request": ["/2"]}, fault="client")
    assert truth.score(SCENARIO, stage).problems == ["wrong party: reset-mid-request accuses client (proved)"]


def test_run_without_failure_proves_nothing(tmp_path: Path) -> None:
    score = truth.score(SCENARIO, _stage(tmp_path, {"reset-mid-request": []}, reset=False))
    assert "nothing failed in this run, so there was nothing to find" in score.problems


def test_missing_report_is_noticed(tmp_path: Path) -> None:
    stage = _stage(tmp_path, {})
    stage.case.report_json.unlink()
    assert truth.score(SCENARIO, stage).problems == ["plainwire run left no report"]


def test_a_path_that_never_struck_plants_nothing(tmp_path: Path) -> None:
    """A client whose TCP keeps the connection alive: the server's slowness was only the occasion."""
    behaviour = Behaviour(schedule={2: Fault.SLOW}, delay=1.9)
    scenario = Scenario(
        "lb", "A story.", frozenset({"lb-idle-reset"}), behaviour, ("serial.py",), Route(idle_reset_both=1.2)
    )
    stage = _stage(tmp_path, {}, reset=False)
    event = {"event": "request", "target": "/2", "fault": "slow"}
    stage.server_log.write_text(json.dumps(event), encoding="utf-8")
    stage.path_log.write_text("", encoding="utf-8")
    assert not truth.score(scenario, stage).struck
    stage.path_log.write_text(json.dumps({"event": "idle-reset-both"}), encoding="utf-8")
    assert truth.score(scenario, stage).struck
