"""``plainwire demo``: servers that misbehave on purpose, clients, and what plainwire says about them."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import Struct

from plainwire import case as cases
from plainwire import sudo
from plainwire.cli import completion
from plainwire.lab import scenarios, truth
from plainwire.lab.play import NOT_POSSIBLE, PlayFiles
from plainwire.plurals import count

if TYPE_CHECKING:
    from plainwire.lab.scenario import Scenario
    from plainwire.lab.truth import Score

ATTEMPTS = 3
"""A race is aimed at, not commanded: on a busy machine it may be missed."""


class _Played(Struct, frozen=True):
    scenario: Scenario
    stage: PlayFiles
    score: Score | None  # None: not possible here


@click.command()
@click.argument("scenario", required=False, shell_complete=completion.demos)
@click.option("--list", "listing", is_flag=True, help="List the scenarios and the expected verdict of each.")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="Keep the cases in this folder, which is created."
)
def command(scenario: str | None, output: Path | None, *, listing: bool) -> int:
    """Play a failing program and let plainwire find the cause.

    Without SCENARIO: two programs that fail with the same exception, for two different reasons.
    Exit status: 0 if plainwire found the right cause, 1 if not.

    Example: plainwire demo keepalive-idle-race -o /tmp/race
    """
    if listing:
        _list()
        return 0
    chosen = [scenarios.find(name) for name in ((scenario,) if scenario else scenarios.MAIN)]
    folder = _folder(output)
    played = []
    for number, each in enumerate(chosen):
        _introduce(each, again=number > 0 and each.script == chosen[number - 1].script)
        played.append(_play(each, folder))
    return _conclude(played)


def _list() -> None:
    for scenario in scenarios.SCENARIOS:
        click.secho(scenario.name, bold=True)
        verdict = ", ".join(sorted(scenario.expects)) or "nothing"
        click.echo(_wrapped(f"{scenario.story} Expected: {verdict}.", "    "))


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(text, 100, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)


def _folder(output: Path | None) -> Path:
    made = cases.create(output) if output else cases.create_named(Path.cwd(), time.time(), "demo")
    return made.folder


# --- one scenario ---


def _play(scenario: Scenario, folder: Path) -> _Played:
    attempts = ATTEMPTS if scenario.aimed else 1
    for attempt in range(1, attempts + 1):
        stage = PlayFiles(folder / (scenario.name if attempt == 1 else f"{scenario.name}-{attempt}"))
        with sudo.as_caller():
            stage.folder.mkdir()
        player = [sys.executable, "-m", "plainwire.lab.play", scenario.name, str(stage.folder)]
        if subprocess.run(player, check=False).returncode == NOT_POSSIBLE:
            return _Played(scenario, stage, None)
        score = truth.score(scenario, stage)
        missed = scenario.expects and (score.late or not score.struck) and stage.case.report_json.exists()
        if not missed or attempt == attempts:
            break
        click.echo("\nThe race did not happen this time; trying again.\n")
    _hold_against_truth(score)
    return _Played(scenario, stage, score)


def _introduce(scenario: Scenario, *, again: bool) -> None:
    _title(scenario.name)
    click.echo(_wrapped(scenario.story))
    if again:
        click.echo("The client is the same.\n")
    else:
        click.echo(f"Its client is {scenario.script}:\n\n{_in_short(scenario.script)}\n")


def _title(text: str) -> None:
    click.secho(f"\n--- {text} " + "-" * max(0, 95 - len(text)) + "\n", bold=True)


def _in_short(script: Path) -> str:
    """What the client does with its connection: its loop, without imports and last words."""
    text = script.read_text(encoding="utf-8")
    body = re.search(r"^connection = .*?(?=^print)", text, re.MULTILINE | re.DOTALL)
    return textwrap.indent((body[0] if body else text).rstrip(), "    ")


def _hold_against_truth(score: Score) -> None:
    """Say what server, client and plainwire each counted."""
    words = [f"The client saw {count(len(score.raised), 'request')} fail"]
    if score.planted:
        words.append(f"the server's log says that it spoiled {len(score.planted)}")
    if score.unread:
        words.append(f"the server's log does not have {len(score.unread)} of them")
    words.append(f"plainwire names {len(score.accused)}")
    click.echo("\n" + _wrapped("; ".join(words) + "."))
    for problem in score.problems:
        click.secho(f"WRONG: {problem}", bold=True)


# --- the end ---


def _conclude(played: list[_Played]) -> int:
    """The last words and the exit status."""
    done = [(each.stage, each.score) for each in played if each.score is not None]
    if not done:
        return NOT_POSSIBLE
    scores = [score for _, score in done]
    good = not any(score.problems for score in scores)
    if good and len(done) > 1:
        _title("what this shows")
        click.echo(_moral(scores))
    click.echo("\nTo look closer:")
    for stage, _ in done:
        click.echo(f"    plainwire show {stage.case.folder}\n    wireshark {stage.case.capture}")
    return 0 if good else 1


def _moral(scores: list[Score]) -> str:
    texts = [truth.common_text(score) for score in scores]
    first = (
        f'Both programs failed with the same words, "{texts[0]}", for two different reasons.'
        if len(set(texts)) == 1
        else f"Two programs failed in much the same way ({'; '.join(texts)}), for different reasons."
    )
    return _wrapped(
        f"{first} The first server had received the whole request and then reset the connection. "
        "The second never got the request: the server had closed the idle connection while it was under way. "
        "The packets tell the two apart; the exception cannot."
    )
