"""The command line of the score."""

from __future__ import annotations

import argparse
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import healthy, plays, programs, table


def main() -> int:
    """Play, write a line for each play to ``results.jsonl``, print the tables. 0 where all was right."""
    options = _options()
    folder = Path(options.output or tempfile.mkdtemp(prefix="plainwire-score-"))
    folder.mkdir(parents=True, exist_ok=True)
    found, absent = programs.available(set(options.client), folder)
    print(f"clients: {', '.join(each.name for each in found)}")
    for name, why in absent.items():
        print(f"client {name} is absent: {why}")
    good = True
    if not options.only_healthy:
        good = _score(options, found, folder)
    if not options.no_healthy:
        good = healthy.control(found, folder, options.connections) and good
    print(f"results: {folder}")
    return 0 if good else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python bench/score", description=__doc__)
    parser.add_argument("scenario", nargs="*", help="scenarios to play (default: all)")
    parser.add_argument("--client", action="append", default=[], help="a client to play with (default: all)")
    parser.add_argument("--seeds", type=int, default=2, help="how often each is played, with other numbers")
    parser.add_argument("--jobs", type=int, default=2, help="plays at the same time")
    parser.add_argument("--output", help="folder for results and for plays with problems")
    parser.add_argument("--connections", type=int, default=1000, help="healthy connections in all")
    parser.add_argument("--no-healthy", action="store_true", help="leave out the healthy traffic")
    parser.add_argument("--only-healthy", action="store_true", help="nothing but the healthy traffic")
    return parser.parse_args()


def _score(options: argparse.Namespace, found: list[programs.Program], folder: Path) -> bool:
    planned = plays.planned(options.scenario, found, list(range(options.seeds)))
    by_name = {program.name: program for program in found}
    outcomes: list[plays.Outcome] = []
    with (
        (folder / "results.jsonl").open("a", encoding="utf-8") as results,
        ThreadPoolExecutor(options.jobs) as pool,
    ):

        def perform(play: plays.Play) -> plays.Outcome:
            place = folder / "plays" / f"{play.scenario}-{play.program}-{play.seed}"
            return plays.perform(play, by_name.get(play.program), place)

        for outcome in pool.map(perform, planned):
            outcomes.append(outcome)
            results.write(outcome.to_json() + "\n")
            results.flush()
            if outcome.problems:
                _tell(outcome)
    print("\n".join(table.lines(outcomes)))
    return not any(each.problems for each in outcomes)


def _tell(outcome: plays.Outcome) -> None:
    play = outcome.play
    print(
        f"{play.scenario} with {play.program}, seed {play.seed}: {'; '.join(outcome.problems)}",
        file=sys.stderr,
    )
