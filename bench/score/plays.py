"""One play: a scenario, a client, a seed, and what came of it, in processes of its own."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from plainwire.lab import scenarios, truth
from plainwire.lab.play import NOT_POSSIBLE, PlayFiles

from . import programs

if TYPE_CHECKING:
    from pathlib import Path

    from plainwire.lab.scenario import Scenario

    from .programs import Program

HIDDEN = frozenset({"hidden-retry", "unsafe-retry-duplicate"})
"""What a client may add to any failure."""
TIMEOUT = 120
MISSES = {
    (
        "slow-start-after-idle",
        "curl",
    ): "curl has one pause for all requests: none without one to compare with",
    ("lb-idle-reset", "node"): "Node.js keeps connections alive by TCP after 1 s: no box finds them idle",
}
"""Clients that cannot meet what is planted, and why: they are not played."""


@dataclass(frozen=True)
class Play:
    """What is to be played."""

    scenario: str
    program: str
    seed: int


@dataclass
class Outcome:
    """What came of it. ``state``: "played", "not struck" (what was planted did not happen), or why not."""

    play: Play
    state: str
    expects: list[str] = field(default_factory=list)
    findings: list[list[str]] = field(default_factory=list)
    """Code, fault, certainty, and "remark" or "failure"."""
    problems: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    """Codes that name a party which the scenario rules out."""
    false: list[str] = field(default_factory=list)
    """Codes that have no business here."""
    raised: str = ""
    seconds: float = 0.0

    def to_json(self) -> str:
        """One line of the results."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, line: str) -> Outcome:
        """Read what ``to_json`` wrote."""
        values: dict[str, Any] = json.loads(line)
        return cls(**{**values, "play": Play(**values["play"])})


def planned(names: list[str], found: list[Program], seeds: list[int]) -> list[Play]:
    """Every scenario with every client that can play it, seed by seed."""
    return [
        Play(scenario.name, program, seed)
        for seed in seeds
        for scenario in scenarios.SCENARIOS
        if not names or scenario.name in names
        for program in _programs(scenario, found)
    ]


def _programs(scenario: Scenario, found: list[Program]) -> list[str]:
    """The serial loop is written for many clients; the other scripts are a client's peculiarity."""
    if scenario.client[0] == "serial.py":
        return [each.name for each in found if (scenario.name, each.name) not in MISSES]
    return [scenario.client[0].removesuffix(".py")]


def perform(play: Play, program: Program | None, folder: Path) -> Outcome:
    """Play it in ``folder`` (new) and score it; the folder stays only where something is wrong."""
    began = time.monotonic()
    folder.mkdir(parents=True)
    command = [sys.executable, "-m", "plainwire.lab.play", play.scenario, str(folder), str(play.seed)]
    if program is not None and program.name != programs.OWN:
        command += program.command
    try:
        with (folder / "play.log").open("wb") as log:
            done = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        return Outcome(play, f"not over after {TIMEOUT} s")
    if done.returncode == NOT_POSSIBLE:
        return Outcome(
            play, "not possible here: " + (folder / "play.log").read_text(errors="replace").strip()[-200:]
        )
    stage = PlayFiles(folder)
    if program is not None and program.keyless:
        _analyze_with_server_keys(stage)
    outcome = _scored(play, stage, own=program is None or program.name == programs.OWN)
    outcome.seconds = time.monotonic() - began
    if not outcome.problems:
        shutil.rmtree(folder)
    return outcome


def _analyze_with_server_keys(stage: PlayFiles) -> None:
    command = [sys.executable, "-m", "plainwire", "analyze", "--json", str(stage.case.capture)]
    with stage.case.report_json.open("wb") as report:
        subprocess.run(
            [*command, "--keys", str(stage.server_keys)], stdout=report, timeout=TIMEOUT, check=False
        )


def _scored(play: Play, stage: PlayFiles, *, own: bool) -> Outcome:
    scenario = scenarios.find(play.scenario).varied(play.seed)
    if not own:
        scenario = msgspec.structs.replace(scenario, also=scenario.also | HIDDEN, harms=False)
    score = truth.score(scenario, stage)
    struck = score.struck or not scenario.expects
    allowed = truth.allowed(scenario, score)
    return Outcome(
        play,
        "played" if struck else "not struck",
        sorted(scenario.expects),
        [[f.code, f.fault, f.certainty, "failure" if f.failure else "remark"] for f in score.findings],
        [each for each in score.problems if not each.startswith("nothing failed")],
        [f.code for f in score.findings if _accuses_wrongly(scenario, f, allowed)],
        [f.code for f in score.findings if f.code not in allowed],
        truth.common_text(score),
    )


def _accuses_wrongly(scenario: Scenario, finding: truth.Named, allowed: frozenset[str]) -> bool:
    """Whether a party is named that had no part in it; other codes that may come out have their own."""
    mentioned = finding.code in allowed - scenario.expects
    return finding.failure and not mentioned and finding.fault not in {*scenario.fault, truth.UNDECIDED}
