"""What follows from the rows of many runs. Expected numbers are those of published tables."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import msgspec
import pytest

from plainwire.diagnose.comparison.trials import Trials
from plainwire.hunting import Hunt, conclude, exit_status, load, words
from plainwire.hunting.aim import pauses
from plainwire.hunting.loop import fails
from plainwire.hunting.runs import Limits, Run, RunFinding, decode, encode
from plainwire.hunting.stopping_rule import PATTERNLESS, StoppingRule
from plainwire.model import UserError

PAGE = Path(__file__).parents[2] / "docs" / "report.md"
CODE = "reset-mid-request"


def run(
    number: int, *, failing: bool = False, status: int | None = None, idle: float = 0.01, whole: bool = True
) -> Run:
    """Five requests, the last of which fails or not; ``idle`` goes before the last one."""
    idles = [math.nan, 0.01 + number * 1e-4, 0.012, 0.009, idle]
    table = Trials(
        "request",
        codes=[None, None, None, None, CODE if failing else None],
        connections=[1] * 5,
        times=[number * 10**9 + i for i in range(5)],
        numbers={"idle_before": idles, "ordinal": [1.0, 2.0, 3.0, 4.0, 5.0]},
        labels={"method": ["GET"] * 5},
    )
    found = RunFinding(CODE, "It was reset.", "server", "proved", failure=True, requests=1, connections=1,
                  advice_client="", advice_server="")  # fmt: skip
    status = int(failing) if status is None else status
    return Run(
        number, number, 1, status, whole, 5, 4, 1, 10_000_000, 5, [found] if failing else [], [],
        table, Trials("connection"), failed=failing or status != 0, case="run-0001" if failing else None,
    )  # fmt: skip


def hunt(failures: int, runs: int, *, whole: bool = True) -> Hunt:
    return Hunt(Path("hunt"), [run(n, failing=n <= failures, whole=whole) for n in range(1, runs + 1)])


def scattered() -> list[Run]:
    """Twelve failures in 200 runs, each after an idleness of two seconds."""
    return [run(n, failing=n % 16 == 0, idle=0.01 if n % 16 else 2.0) for n in range(1, 201)]


def told(found: Hunt, before: Hunt | None = None) -> str:
    conclusion = conclude(found, before.runs if before else ())
    return " ".join(words.text(conclusion, found.folder, found.runs, width=80).split())


def test_how_many_more_runs_are_three_numbers() -> None:
    text = told(hunt(3, 200))
    assert "199 runs if the rate is as seen, 270 runs if the uncertainty of the rate counts" in text
    assert "730 runs at the lowest rate" in text


def test_a_program_that_never_fails_has_a_bound_by_runs_and_by_requests() -> None:
    text = told(hunt(0, 60))
    assert "fewer than 4.9 % of runs fail (0 of 60)" in text
    assert "0 of 300 requests on 60 connections" in text
    assert "fewer than 0.99 % do" in text
    assert exit_status(conclude(hunt(0, 60))) == 0


def test_no_failure_in_runs_that_could_not_be_seen_is_not_healthy() -> None:
    found = conclude(hunt(0, 5, whole=False))
    assert exit_status(found) == 3
    assert "not everything could be seen" in words.headline(found)


def test_a_hunt_of_no_run_says_so() -> None:
    found = conclude(Hunt(Path("hunt"), [], end="interrupted"))
    assert exit_status(found) == 3
    assert "no run ended" in words.headline(found)


def test_stopping_at_the_first_failure_widens_the_interval_downward_only() -> None:
    one = Hunt(Path("hunt"), [run(n, failing=n == 100) for n in range(1, 101)], end="first failure")
    low, high = conclude(one).rate
    assert low == pytest.approx(0.00025, abs=0.00001)
    assert high == pytest.approx(0.0366, abs=0.0005)


def test_an_exit_status_that_nothing_on_the_wire_explains_is_said_to_be_so() -> None:
    found = hunt(0, 10)
    found.runs[3] = run(4, status=1)
    assert "In 1 of 1 failing run nothing on the wire explains the exit status" in told(found)


def test_a_cause_that_is_as_common_in_good_runs_is_not_made_the_programs_failure() -> None:
    mixed = [run(n, failing=n % 2 == 0, status=int(n % 4 < 2)) for n in range(1, 17)]
    assert "does not show that it makes the program fail" in told(Hunt(Path("hunt"), mixed))
    agreeing = [run(n, failing=n % 2 == 0) for n in range(1, 17)]
    assert "does not show that it makes the program fail" not in told(Hunt(Path("hunt"), agreeing))


def test_the_hunt_ends_when_three_failures_share_what_others_lack() -> None:
    runs: list[Run] = []
    rule = StoppingRule()
    for number in range(1, 60):
        failing = number % 10 == 0
        runs.append(run(number, failing=failing, idle=2.0 if failing else 0.011))
        if rule.after(runs, runs[-1]) is not None:
            break
    assert len(runs) == 30
    assert [trigger.feature for trigger in rule.triggers][:1] == ["idle_before"]


def test_failures_without_a_pattern_end_it_later() -> None:
    runs: list[Run] = []
    rule = StoppingRule()
    for number in range(1, 200):
        new = run(number, failing=number % 2 == 0)
        new.trials.numbers = {"idle_before": [0.01] * 5}
        runs.append(new)
        if rule.after(runs, new) == "established":
            break
    assert sum(r.failed for r in runs) == PATTERNLESS


def test_a_program_that_always_fails_is_not_run_to_the_limit() -> None:
    rule, runs = StoppingRule(), [run(n, status=1) for n in range(1, PATTERNLESS + 1)]
    ends = [rule.after(runs[:count], runs[count - 1]) for count in range(1, PATTERNLESS + 1)]
    assert ends == [None] * (PATTERNLESS - 1) + ["established"]


def test_aimed_trials_beat_blind_runs_after_a_fix() -> None:
    before = Hunt(Path("old"), scattered())
    rule, runs = StoppingRule(before.runs), [run(n, idle=2.1) for n in range(1, 13)]
    ends = [rule.after(runs[:count], runs[count - 1]) for count in range(1, 13)]
    assert "cured" in ends
    (trial,) = conclude(Hunt(Path("new"), runs), before.runs).fix.trials  # type: ignore[union-attr]
    assert (trial.before, trial.after) == ((12, 12), (0, 12))
    assert trial.p == pytest.approx(3.7e-7, rel=0.02)


def test_a_fix_is_not_believed_before_it_was_tried_often_enough() -> None:
    text = told(hunt(0, 50), hunt(3, 200))
    assert "That is not enough: 342 clean runs would show it." in text


def test_a_fix_after_which_the_same_cause_is_found_is_none() -> None:
    assert f"It is not fixed: {CODE} was found again" in told(hunt(1, 10), hunt(3, 200))


def test_what_makes_a_run_fail_is_chosen() -> None:
    hidden, other = run(1, failing=True, status=0), run(2, status=3)
    assert [fails(hidden, [word]) for word in ("exit", "hidden", "both", CODE)] == [False, True, True, True]
    assert [fails(other, [word]) for word in ("exit", "hidden", "both", CODE)] == [True, False, True, False]
    assert not fails(hidden, ["exit", "keepalive-idle-race"])


def test_aim_waits_just_as_long_as_the_server_does() -> None:
    assert pauses([run(1)]) is None
    seen = run(2)
    seen.servers = [Limits("192.0.2.1:443", (5_000_000_000, 5_004_000_000, 3), None, None, None, 80_000_000)]
    found = pauses([run(1), seen])
    assert found is not None
    assert (found.low_ns, found.high_ns) == (4_920_000_000, 5_004_000_000)


def test_a_row_survives_its_file(tmp_path: Path) -> None:
    runs = [run(1), run(2, failing=True)]
    runs[0].servers = [Limits("[2001:db8::1]:443", (1, 2, 3), None, 5, None, None)]
    (tmp_path / "runs.jsonl").write_bytes(b"".join(map(encode, runs)) + encode(runs[0])[:50])  # cut short
    read = load(tmp_path)
    assert [encode(r) for r in read] == [encode(r) for r in runs]
    assert math.isnan(read[0].trials.numbers["idle_before"][0])
    assert decode(encode(runs[1])).findings == runs[1].findings


@pytest.mark.parametrize("content", [b"{}\n", b"[]\n", b"\xff\n", b'{"findings": 3}\n'])
def test_a_file_that_is_none_of_a_hunt_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "runs.jsonl").write_bytes(content)
    with pytest.raises(UserError, match="not the file of a hunt"):
        load(tmp_path)


def test_every_key_of_the_json_is_explained() -> None:
    before = Hunt(Path("old"), scattered())
    found = conclude(before, before.runs)
    page = PAGE.read_text("utf-8").partition("## `plainwire hunt --json`")[2]
    used = _keys(json.loads(words.encode(found, Path("hunt"))))
    assert {"triggers", "fix", "longest_idle"} <= used
    assert not {key for key in used if f'"{key}"' not in page and f"`{key}`" not in page} - _OF_THE_REPORT


_OF_THE_REPORT = {"claim", "failing", "succeeding", "searched", "rate_with", "rate_without", "also"}


def _keys(value: Any) -> set[str]:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        return set(value).union(*(_keys(inner) for inner in value.values()))
    return set().union(*map(_keys, value)) if isinstance(value, list) else set()


def named(number: int, *asked: str, status: int = 0, failing: bool = True) -> Run:
    one = run(number, failing=failing, status=status)
    one.findings = [msgspec.structs.replace(found, asked=list(asked)) for found in one.findings]
    return one


def test_the_requests_that_a_cause_struck_are_named() -> None:
    both = Hunt(Path("hunt"), [named(1, "GET /checkout"), named(2, "GET /checkout"), run(3)])
    assert "Both were GET /checkout." in told(both)
    two = Hunt(Path("hunt"), [named(1, "GET /a"), named(2, "GET /b")])
    assert "Each was one of: GET /a, GET /b." in told(two)


def test_a_program_that_copes_with_what_still_happens_is_fixed() -> None:
    """Before, each failure ended the program; with the fix it retries."""
    before = Hunt(Path("hunt"), [run(n, failing=n <= 2) for n in range(1, 61)])
    after = Hunt(Path("hunt"), [run(n, failing=n == 11, status=0) for n in range(1, 25)])
    text = told(after, before)
    assert "The program copes: 0 of 24 runs ended with another status than 0, 2 of 60 before." in text
    assert CODE in text
    assert "It is not fixed" not in text


def test_a_hunt_after_a_fix_goes_on_where_the_program_copes() -> None:
    before = [run(n, failing=n <= 2) for n in range(1, 61)]
    runs = [run(1, failing=True, status=0)]
    assert StoppingRule(before).after(runs, runs[-1]) is None
    runs.append(run(2, failing=True))
    assert StoppingRule(before).after(runs, runs[-1]) == "not cured"
