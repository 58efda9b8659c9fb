"""Hold a report against what the server did and what the client raised: the score of one play."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from plainwire.lab.behaviour import Fault

if TYPE_CHECKING:
    from pathlib import Path

    from plainwire.lab.play import Stage
    from plainwire.lab.scenarios import Scenario

RAISED = re.compile(r"^GET (?P<target>\S+): (?P<text>.*)$", re.MULTILINE)
HARMLESS = (Fault.NONE, Fault.ANNOUNCE_CLOSE, Fault.SLOW)
"""Faults that are none yet when the server commits them."""


@dataclass(frozen=True, slots=True)
class Score:
    """One play's outcome. Targets are request targets, each of which the client asks for once."""

    planted: frozenset[str]
    """Requests to which the server did harm, by its own log."""
    unread: frozenset[str]
    """Requests that failed in the client's eyes and of which the server's log knows nothing."""
    raised: dict[str, str]
    """Requests that failed in the client's eyes, and the text it got."""
    found: dict[str, frozenset[str]]
    """What plainwire found: code to targets."""
    problems: list[str] = field(default_factory=list)
    """What is wrong with that, a line each; empty where all is right."""

    @property
    def failed(self) -> frozenset[str]:
        """All requests that failed, as far as server and client can know."""
        return self.planted | self.raised.keys()

    @property
    def accused(self) -> frozenset[str]:
        """All requests that some finding names."""
        return frozenset[str]().union(*self.found.values())


def score(scenario: Scenario, stage: Stage) -> Score:
    """Compare; a missing report is a problem like another."""
    faults = _requests(stage.server_log)
    planted = frozenset(target for target, fault in faults if fault not in HARMLESS)
    raised = _raised(stage.client_log)
    unread = frozenset(raised) - {target for target, _ in faults}
    if not stage.case.report_json.exists():
        return Score(planted, unread, raised, {}, ["plainwire run left no report"])
    found = _found(json.loads(stage.case.report_json.read_bytes()))
    result = Score(planted, unread, raised, found)
    result.problems.extend(_problems(scenario, result))
    return result


def _problems(scenario: Scenario, result: Score) -> list[str]:
    failed = result.failed
    problems = []
    if scenario.expects and not failed:
        problems.append("nothing failed in this run, so there was nothing to find")
    problems.extend(f"not found: {code}" for code in sorted(scenario.expects - result.found.keys()))
    problems.extend(
        f"found, but it was not there: {code} on {_list(result.found[code])}"
        for code in sorted(result.found.keys() - scenario.expects)
    )
    accused = result.accused
    if failed - accused:
        problems.append(f"failed, but in no finding: {_list(failed - accused)}")
    if accused - failed:
        problems.append(f"in a finding, but it did not fail: {_list(accused - failed)}")
    return problems


def _requests(log: Path) -> list[tuple[str, str]]:
    """Target and fault of every request that the server read."""
    events = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return [(event["target"], event["fault"]) for event in events if event["event"] == "request"]


def _raised(log: Path) -> dict[str, str]:
    text = log.read_text(encoding="utf-8")
    return {match["target"]: match["text"] for match in RAISED.finditer(text)}


def _found(report: dict[str, Any]) -> dict[str, frozenset[str]]:
    targets = {e["id"]: e["request"]["target"] for e in report["exchanges"] if e["request"] is not None}
    found: dict[str, frozenset[str]] = {}
    for finding in report["findings"]:
        named = frozenset(targets[number] for number in finding["exchanges"] if number in targets)
        found[finding["code"]] = found.get(finding["code"], frozenset()) | named
    return found


def common_text(result: Score) -> str:
    """What the client most often got to read."""
    texts = Counter(result.raised.values()).most_common(1)
    return texts[0][0] if texts else "no exception"


def _list(targets: frozenset[str] | set[str]) -> str:
    return ", ".join(sorted(targets))
