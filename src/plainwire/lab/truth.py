"""Hold a report against what the server did and what the client raised: the score of one play."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from plainwire.lab.behaviour import Fault, StreamFault
from plainwire.lab.contradictions import contradictions
from plainwire.lab.scenario import CONTRIBUTORY

if TYPE_CHECKING:
    from pathlib import Path

    from plainwire.lab.play import PlayFiles
    from plainwire.lab.scenario import Scenario

RAISED = re.compile(r"^[A-Z]+ (?P<target>/\S+): (?P<text>.*)$", re.MULTILINE)
HARMLESS = frozenset(
    {
        Fault.NONE,
        Fault.ANNOUNCE_CLOSE,
        Fault.SLOW,
        Fault.STALL,
        Fault.STOP_READING,
        Fault.NO_CONTINUE,
        Fault.CLOSE_AFTER_RESPONSE,
        Fault.EXCESS_BODY,
        Fault.DOUBLE_RESPONSE,
        Fault.CORRUPT_GZIP,
        Fault.TRUNCATE_UNFRAMED,
        Fault.EVENTS,
        StreamFault.GOAWAY_LEAVES_OUT,
    }
)
"""Faults that are none yet when the server commits them, or that a client may live with."""

BLINDNESS = 0.02
"""Seconds for which a client on a busy machine may not notice a close."""
UNDECIDED = "unknown"
"""The party of a finding that accuses nobody: never wrong."""


class Named(Struct, frozen=True):
    """A finding, as far as the score needs it. ``targets``: the request targets of its exchanges."""

    code: str
    fault: str
    certainty: str
    failure: bool
    targets: frozenset[str]


class Score(Struct, frozen=True):
    """One play's outcome. Targets are request targets, each of which the client asks for once."""

    planted: frozenset[str]
    """Requests to which the server did harm, by its own log."""
    unread: frozenset[str]
    """Requests that failed in the client's eyes and of which the server's log knows nothing."""
    raised: dict[str, str]
    """Requests that failed in the client's eyes, and the text it got."""
    struck: bool
    """Whether what the scenario plants has happened at all in this run, by anybody's log."""
    late: bool
    """Whether a race was missed: by the path's log a request came long after its sender had the close."""
    findings: tuple[Named, ...]
    """What plainwire found."""
    problems: list[str] = field(default_factory=list)
    """What is wrong with that, a line each; empty where all is right."""

    @property
    def found(self) -> dict[str, frozenset[str]]:
        """Code to targets."""
        found: dict[str, frozenset[str]] = {}
        for each in self.findings:
            found[each.code] = found.get(each.code, frozenset()) | each.targets
        return found

    @property
    def failed(self) -> frozenset[str]:
        """All requests that failed, as far as server and client can know."""
        return self.planted | self.raised.keys()

    @property
    def accused(self) -> frozenset[str]:
        """All requests that some finding names as failed."""
        return frozenset[str]().union(*(each.targets for each in self.findings if each.failure))


def score(scenario: Scenario, stage: PlayFiles) -> Score:
    """Compare; a missing report is a problem like another."""
    events = _events(stage.server_log)
    raised = _raised(stage.client_log)
    requests = [(event["target"], event["fault"]) for event in events if event["event"] == "request"]
    planted = frozenset(target for target, fault in requests if fault not in HARMLESS)
    unread = frozenset(raised) - {target for target, _ in requests}
    on_the_way = _events(stage.path_log) if stage.path_log.exists() else []
    by_server = scenario.route is None or scenario.route.harmless  # else what it does is only the occasion
    struck = bool(raised) or (by_server and any(map(_spoils, events)))
    struck = struck or scenario.sure or any(event["event"] != "late" for event in on_the_way)
    late = any(event["event"] == "late" and event["after"] > BLINDNESS for event in on_the_way)
    if not stage.case.report_json.exists():
        return Score(planted, unread, raised, struck, late, (), ["plainwire run left no report"])
    report = json.loads(stage.case.report_json.read_bytes())
    result = Score(planted, unread, raised, struck, late, _findings(report))
    result.problems.extend(_problems(scenario, result, frozenset(_targets(report).values())))
    result.problems.extend(contradictions(report))
    return result


def _problems(scenario: Scenario, result: Score, on_wire: frozenset[str]) -> list[str]:
    if scenario.expects and not result.struck:
        return ["nothing failed in this run, so there was nothing to find", *_unexpected(scenario, result)]
    problems = [f"not found: {code}" for code in sorted(scenario.expects - result.found.keys())]
    problems += _unexpected(scenario, result)
    problems += [
        f"wrong party: {each.code} accuses {each.fault} ({each.certainty})"
        for each in result.findings
        if each.code in scenario.expects and each.fault not in {*scenario.fault, UNDECIDED}
    ]
    failed = result.failed & on_wire
    if failed - result.accused and scenario.harms:
        problems.append(f"failed, but in no finding: {_list(failed - result.accused)}")
    if result.accused - failed and scenario.harms:
        problems.append(f"in a finding, but it did not fail: {_list(result.accused - failed)}")
    return problems


def _unexpected(scenario: Scenario, result: Score) -> list[str]:
    """Findings that have no business here."""
    return [
        f"found, but it was not there: {each.code} ({each.fault}, {each.certainty}) on {_list(each.targets)}"
        for each in result.findings
        if each.code not in allowed(scenario, result)
    ]


def _spoils(event: dict[str, Any]) -> bool:
    """Whether the server's log tells of a fault that strikes by itself, with no race to be lost."""
    return event.get("fault", Fault.NONE) not in {Fault.NONE, Fault.CLOSE_AFTER_RESPONSE}


def allowed(scenario: Scenario, result: Score) -> frozenset[str]:
    """The codes that may come out.

    A race that was missed is another cause; a mere remark is out of place only where all is well.
    """
    if not scenario.expects:
        return scenario.also
    missed = (
        {"stale-connection-reuse"} if result.late and "keepalive-idle-race" in scenario.expects else set()
    )
    return scenario.expects | scenario.also | CONTRIBUTORY | missed


def _events(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


def _raised(log: Path) -> dict[str, str]:
    text = log.read_text(encoding="utf-8")
    return {match["target"]: match["text"] for match in RAISED.finditer(text)}


def _targets(report: dict[str, Any]) -> dict[int, str]:
    """The request targets of the exchanges, by their numbers."""
    return {e["id"]: e["request"]["target"] for e in report["exchanges"] if e["request"] is not None}


def _findings(report: dict[str, Any]) -> tuple[Named, ...]:
    targets = _targets(report)
    return tuple(
        Named(
            code=each["code"],
            fault=each["fault"],
            certainty=each["certainty"],
            failure=each.get("failure", True),
            targets=frozenset(targets[number] for number in each["exchanges"] if number in targets),
        )
        for each in report["findings"]
    )


def common_text(result: Score) -> str:
    """What the client most often got to read."""
    texts = Counter(result.raised.values()).most_common(1)
    return texts[0][0] if texts else "no exception"


def _list(targets: frozenset[str] | set[str]) -> str:
    return ", ".join(sorted(targets)) or "no request"
