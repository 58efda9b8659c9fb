"""Compare ``plainwire analyze --json`` with ``tshark -Y http -T fields`` on the same captures.

Wall time from start to end of each process, in turn, several rounds; the median round of each counts. Both
read the secrets from the capture itself; tshark is told to put segments in order, which two processors may
have written out of it. That both found the same number of requests and of responses is
checked in every round.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from make_captures import DEFAULT_FOLDER
from webserver import command

AIMS = {"small": 4.0, "download": 8.0}
_IN_ORDER = ("-o", "tcp.reassemble_out_of_order:TRUE")
FIELDS = ("frame.number", "http.request.method", "http.request.uri", "http.response.code")


@dataclass(frozen=True, slots=True)
class Run:
    """One process, from start to end: seconds on the wall and of CPU, and its largest size in memory."""

    wall: float
    cpu: float
    megabytes: float
    requests: int
    responses: int


def main() -> None:
    """Print the table; exit 1 where the two do not agree or an aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--captures", type=Path, default=DEFAULT_FOLDER, help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(
        f"{'capture':10} {'requests':>8} {'tshark':>9} {'plainwire':>9} {'times':>6} {'aim':>4}"
        f" {'CPU':>13} {'memory (MB)':>13}"
    )
    good = True
    for name, aim in AIMS.items():
        capture = options.captures / f"{name}.pcapng"
        if not capture.exists():
            sys.exit(f"{capture} is missing: python bench/make_captures.py")
        pairs = [(_tshark(capture), _plainwire(capture)) for _ in range(options.rounds)]
        good &= _row(name, aim, pairs)
    sys.exit(not good)


def _row(name: str, aim: float, pairs: list[tuple[Run, Run]]) -> bool:
    theirs, ours = (_median([pair[which] for pair in pairs]) for which in (0, 1))
    ratio = theirs.wall / ours.wall
    print(
        f"{name:10} {ours.requests:8} {theirs.wall:7.2f} s {ours.wall:7.2f} s {ratio:6.1f} {aim:4.0f}"
        f" {theirs.cpu:5.1f} : {ours.cpu:5.1f} {theirs.megabytes:5.0f} : {ours.megabytes:5.0f}"
    )
    same = all((a.requests, a.responses) == (b.requests, b.responses) for a, b in pairs)
    if not same:
        print(f"{name}: tshark {theirs.requests} requests, {theirs.responses} responses;"
              f" plainwire {ours.requests}, {ours.responses}")  # fmt: skip
    return same and ratio >= aim


def _median(runs: list[Run]) -> Run:
    return sorted(runs, key=lambda run: run.wall)[len(runs) // 2]


def _tshark(capture: Path) -> Run:
    fields = [part for field in FIELDS for part in ("-e", field)]
    return _timed(
        [command("tshark"), *_IN_ORDER, "-r", str(capture), "-Y", "http", "-T", "fields", *fields],
        COUNT_FIELDS,
    )


def _plainwire(capture: Path) -> Run:
    return _timed([sys.executable, "-m", "plainwire", "analyze", "--json", str(capture)], COUNT_JSON)


COUNT_FIELDS = """
import sys
rows = [line.rstrip("\\n").split("\\t") for line in sys.stdin]
print(sum(bool(row[1]) for row in rows), sum(bool(row[3]) for row in rows))
"""
COUNT_JSON = """
import json, sys
exchanges = json.load(sys.stdin)["exchanges"]
print(sum(bool(e["request"]) for e in exchanges), sum(bool(e["response"]) for e in exchanges))
"""


def _timed(arguments: list[str], count: str) -> Run:
    """Run to the end; count in another process, for the kernel adds this one's size to its children's."""
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(arguments, stdout=output, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in {0, 1}:
            sys.exit(f"exit status {process.returncode}: {' '.join(arguments)}")
        output.seek(0)
        counted = subprocess.run([sys.executable, "-c", count], stdin=output, capture_output=True, check=True)
        requests, responses = map(int, counted.stdout.split())
        return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, requests, responses)


if __name__ == "__main__":
    main()
