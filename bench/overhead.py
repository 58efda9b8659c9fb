"""What plainwire costs the program: the program's own times, with and without it, in turn.

The program (``timed_client.py``) does 2,000 requests on one connection and 500 handshakes against nginx on
loopback, and measures both itself, so that starting plainwire and its analysis afterwards do not count: they
do not slow the program down.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from webserver import serving

CLIENT = Path(__file__).with_name("timed_client.py")
AIMS = {"requests": 1.02, "handshakes": 1.05}
Times = dict[str, float]


def main() -> None:
    """Print the table; exit 1 where an aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--handshakes", type=int, default=500)
    options = parser.parse_args()
    counts = {"requests": options.requests, "handshakes": options.handshakes}
    without: list[Times] = []
    under: list[Times] = []
    with (
        tempfile.TemporaryDirectory(prefix="plainwire-bench-") as made,
        serving(Path(made)) as (port, authority),
    ):
        client = [sys.executable, str(CLIENT), str(port), str(authority), *map(str, counts.values())]
        _times(client, Path(made) / "warm-up")
        for number in range(options.rounds):
            without.append(_times(client, Path(made) / f"without-{number}"))
            under.append(_times(client, Path(made) / f"under-{number}", Path(made) / f"case-{number}"))
    print(f"{options.rounds} rounds in turn; ratio = with plainwire / without; times of one each")
    print(
        f"{'':12} {'count':>6} {'without':>11} {'with':>11} {'median':>7} {'least':>7} {'CPU':>7} {'aim':>6}"
    )
    rows = [_row(what, counts[what], without, under) for what in AIMS]
    sys.exit(not all(rows))


def _row(what: str, count: int, without: list[Times], under: list[Times]) -> bool:
    plain, ours = ([times[what] for times in runs] for runs in (without, under))
    median = statistics.median(ours) / statistics.median(plain)
    cpu = statistics.median(times[f"{what}_cpu"] for times in under) / statistics.median(
        times[f"{what}_cpu"] for times in without
    )
    print(
        f"{what:12} {count:6} {statistics.median(plain) / count * 1e6:8.0f} us"
        f" {statistics.median(ours) / count * 1e6:8.0f} us {median:7.3f} {min(ours) / min(plain):7.3f}"
        f" {cpu:7.3f} {AIMS[what]:6.2f}"
    )
    return median <= AIMS[what]


def _times(client: list[str], result: Path, case: Path | None = None) -> Times:
    arguments = [*client, str(result)]
    if case is not None:
        arguments = [sys.executable, "-m", "plainwire", "run", "--quiet", "-o", str(case), "--", *arguments]
    subprocess.run(arguments, check=True)
    times: Times = json.loads(result.read_text(encoding="utf-8"))
    return times


if __name__ == "__main__":
    main()
