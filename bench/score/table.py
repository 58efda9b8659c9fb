"""The score as a table: recall, false alarms and wrong parties by code, and what was taken for what."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .plays import Outcome


def lines(outcomes: list[Outcome]) -> Iterator[str]:
    """All that is printed."""
    played = [each for each in outcomes if each.state == "played"]
    yield from _by_code(played)
    yield ""
    yield from _confusion(played)
    yield ""
    yield from _elsewhere(outcomes)


def _by_code(played: list[Outcome]) -> Iterator[str]:
    codes = sorted({code for each in played for code in (*each.expects, *each.false, *each.wrong)})
    yield f"{'code':36} {'planted':>8} {'found':>6} {'recall':>7} {'false':>6} {'wrong party':>12}"
    planted = found = 0
    for code in codes:
        here = [each for each in played if code in each.expects]
        hits = sum(any(f[0] == code for f in each.findings) for each in here)
        false = sum(code in each.false for each in played)
        wrong = sum(each.wrong.count(code) for each in played)
        planted, found = planted + len(here), found + hits
        recall = f"{hits / len(here):.2f}" if here else "-"
        yield f"{code:36} {len(here):8} {hits:6} {recall:>7} {false:6} {wrong:12}"
    total = f"{found / planted:.3f}" if planted else "-"
    false = sum(len(each.false) for each in played)
    wrong = sum(len(each.wrong) for each in played)
    yield f"{'all':36} {planted:8} {found:6} {total:>7} {false:6} {wrong:12}"


def _confusion(played: list[Outcome]) -> Iterator[str]:
    """Planted (a scenario) against found, in plays."""
    rows: dict[str, Counter[str]] = defaultdict(Counter)
    for each in played:
        rows[each.play.scenario].update({f[0] for f in each.findings} or {"nothing"})
    sizes = Counter(each.play.scenario for each in played)
    yield "planted (plays) -> found in how many of them"
    for scenario in sizes:
        found = ", ".join(f"{code} {number}" for code, number in rows[scenario].most_common())
        yield f"  {scenario} ({sizes[scenario]}) -> {found}"


def _elsewhere(outcomes: Iterable[Outcome]) -> Iterator[str]:
    states = Counter(_short(each.state) for each in outcomes)
    yield "plays: " + ", ".join(f"{number} {state}" for state, number in states.most_common())
    proved = [each for each in outcomes if any(_proved_wrong(each))]
    yield f"a wrong party named as proved: {len(proved)}"
    for each in proved:
        yield f"  {each.play.scenario} with {each.play.program}, seed {each.play.seed}"


def _short(state: str) -> str:
    return state.partition(":")[0]


def _proved_wrong(outcome: Outcome) -> Iterator[bool]:
    for code, _, certainty, kind in outcome.findings:
        yield certainty == "proved" and kind == "failure" and code in outcome.wrong
