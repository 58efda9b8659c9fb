"""What plainwire costs the program: the program's own times, with and without it, in turn.

The program (``timed_client.py``) does 500 requests on one connection and 125 handshakes against nginx on
loopback, and measures each itself, so that starting plainwire and its analysis afterwards do not count: they
do not slow the program down.

Two runs that follow on each other, one with and one without, are a pair, and each pair gives a ratio: of its
``typical`` (median) requests or handshakes, of their sums (``total``, which all else that the machine does
gets into), of the program's own ``CPU`` time. What is printed is the median of all pairs' ratios; behind it,
where with 95 % certainty that of many more pairs would lie (of six pairs or more): an aim is met where the
median is below it, and shown to be where the whole interval is.
"""

from __future__ import annotations

import argparse
import json
import math
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
    parser.add_argument("--rounds", type=int, default=24)
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--handshakes", type=int, default=125)
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
    print(f"{options.rounds} pairs in turn; ratios are with plainwire / without, with their 95 % interval")
    print(f"{'':11} {'count':>5} {'without':>9}  {'typical':22} {'total':22} {'CPU':22} {'aim':>4}")
    rows = [_row(what, [runs[what] for runs in plain], [runs[what] for runs in under]) for what in AIMS]
    sys.exit(not all(rows))


def _row(what: str, plain: list[Run], under: list[Run]) -> bool:
    typical = _ratios([median(run.each) for run in under], [median(run.each) for run in plain])
    total = _ratios([sum(run.each) for run in under], [sum(run.each) for run in plain])
    cpu = _ratios([run.cpu for run in under], [run.cpu for run in plain])
    without = median([seconds for run in plain for seconds in run.each])
    print(
        f"{what:11} {len(plain[0].each):5} {without * 1e6:6.0f} us  {_words(typical):22} {_words(total):22}"
        f" {_words(cpu):22} {AIMS[what]:.2f}"
    )
    return median(typical) <= AIMS[what]


def _ratios(ours: list[float], theirs: list[float]) -> list[float]:
    return sorted(one / other for one, other in zip(ours, theirs, strict=True))


def _words(ratios: list[float]) -> str:
    """The median, and the order statistics that enclose it with 95 % certainty (the sign test's)."""
    outside = max(0, math.floor(len(ratios) / 2 - 0.98 * math.sqrt(len(ratios))))
    return f"{median(ratios):.3f} ({ratios[outside]:.3f} to {ratios[-1 - outside]:.3f})"


def _plainwire(case: Path) -> list[str]:
    return [sys.executable, "-m", "plainwire", "run", "--quiet", "-o", str(case), "--"]


def _run(arguments: list[str], result: Path) -> Runs:
    subprocess.run([*arguments, str(result)], check=True)
    return {what: Run(**times) for what, times in json.loads(result.read_text(encoding="utf-8")).items()}


if __name__ == "__main__":
    main()
