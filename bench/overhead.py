"""What plainwire costs the program: the program's own times, with and without it, in turn.

The program (``timed_client.py``) does 2,000 requests on one connection and 500 handshakes against nginx on
loopback, and measures each itself, so that starting plainwire and its analysis afterwards do not count: they
do not slow the program down.

``total`` compares the sums (median round of each), which all else that the machine does gets into;
``typical`` the median request or handshake of all rounds, ``CPU`` the program's own CPU time.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from webserver import serving

CLIENT = Path(__file__).with_name("timed_client.py")
AIMS = {"requests": 1.02, "handshakes": 1.05}


@dataclass(frozen=True, slots=True)
class Run:
    """What the program measured of one kind of work, in seconds."""

    each: list[float]
    cpu: float


Runs = dict[str, Run]


def main() -> None:
    """Print the table; exit 1 where an aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--handshakes", type=int, default=500)
    options = parser.parse_args()
    plain: list[Runs] = []
    under: list[Runs] = []
    with tempfile.TemporaryDirectory(prefix="plainwire-bench-") as made, serving(Path(made)) as server:
        counts = [options.requests, options.handshakes]
        client = [sys.executable, str(CLIENT), *map(str, (*server, *counts))]
        _run(client, Path(made) / "warm-up")
        for number in range(options.rounds):
            case = Path(made) / f"case-{number}"
            turns = [(plain, client), (under, [*_plainwire(case), *client])]
            for runs, arguments in turns if number % 2 else reversed(turns):
                runs.append(_run(arguments, Path(made) / "times"))
    print(f"{options.rounds} rounds in turn; ratios are with plainwire / without")
    print(f"{'':11} {'count':>5} {'typical':>12} {'with':>9} {'ratio':>6} {'total':>6} {'CPU':>6} {'aim':>5}")
    rows = [_row(what, [runs[what] for runs in plain], [runs[what] for runs in under]) for what in AIMS]
    sys.exit(not all(rows))


def _row(what: str, plain: list[Run], under: list[Run]) -> bool:
    typical = [median([seconds for run in runs for seconds in run.each]) for runs in (plain, under)]
    total = _ratio([sum(run.each) for run in under], [sum(run.each) for run in plain])
    cpu = _ratio([run.cpu for run in under], [run.cpu for run in plain])
    ratio = typical[1] / typical[0]
    print(
        f"{what:11} {len(plain[0].each):5} {typical[0] * 1e6:9.0f} us {typical[1] * 1e6:6.0f} us"
        f" {ratio:6.3f} {total:6.3f} {cpu:6.3f} {AIMS[what]:5.2f}"
    )
    return ratio <= AIMS[what]


def _ratio(ours: list[float], theirs: list[float]) -> float:
    return median(ours) / median(theirs)


def _plainwire(case: Path) -> list[str]:
    return [sys.executable, "-m", "plainwire", "run", "--quiet", "-o", str(case), "--"]


def _run(arguments: list[str], result: Path) -> Runs:
    subprocess.run([*arguments, str(result)], check=True)
    return {what: Run(**times) for what, times in json.loads(result.read_text(encoding="utf-8")).items()}


if __name__ == "__main__":
    main()
