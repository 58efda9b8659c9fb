"""What stands in a row: wall time of each process from start to end, in turn; the median of the rounds."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from webserver import command

from speed.workloads import WORKLOADS

_FOLDER = Path(__file__).parents[1] / "build"
_FIELDS = {
    "http": ("http.request.method", "http.request.uri", "http.response.code"),
    "http2": ("http2.headers.method", "http2.headers.path", "http2.headers.status"),
}
_COUNT = "import json, sys; print(len(json.load(sys.stdin)['exchanges']))"


class Run(NamedTuple):
    """One process: seconds on the wall and of CPU, its largest size in memory, the exchanges it told of."""

    wall: float
    cpu: float
    megabytes: float
    exchanges: int = 0


def main() -> int:
    """Make what is missing, run, print. Of CPU, and of its times, the second figure is without kernel."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=f"workloads: {', '.join(w.name for w in WORKLOADS)} (all)")
    parser.add_argument("--large", action="store_true", help="the large sizes")
    parser.add_argument("--size", type=int, help="another size")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=_FOLDER, help="default: %(default)s")
    parser.add_argument("--without-tshark", action="store_true")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    print(
        f"{'workload':14} {'size':>8} {'MB':>6} {'exchanges':>9} {'plainwire':>10} {'tshark':>8}"
        f" {'times':>6} {'floor':>7} {'CPU':>20} {'times':>12} {'memory (MB)':>13}"
    )
    for workload in WORKLOADS:
        if options.names and workload.name not in options.names:
            continue
        size = options.size or (workload.large if options.large else workload.small)
        capture = options.folder / f"{workload.name}-{size}.pcapng"
        if not capture.exists():
            partial = capture.with_suffix(".partial")
            workload.write(partial, size)
            partial.rename(capture)
        rounds = [
            (
                _plainwire(capture),
                None if options.without_tshark else _tshark(capture, workload.shown),
                _floor(capture),
                _plainwire(capture, kernel="off"),
            )
            for _ in range(options.rounds)
        ]
        ours = _median([each[0] for each in rounds])
        theirs = _median([each[1] for each in rounds if each[1] is not None])
        floor = _median([each[2] for each in rounds])
        slower = _median([each[3] for each in rounds])
        print(
            f"{workload.name:14} {size:8} {capture.stat().st_size / 1e6:6.0f} {ours.exchanges:9}"
            f" {ours.wall:8.2f} s {theirs.wall:6.2f} s {theirs.wall / ours.wall:6.1f} {floor.wall:5.2f} s"
            f" {ours.cpu:5.2f}, {slower.cpu:5.2f} : {theirs.cpu:5.2f}"
            f" {theirs.cpu / ours.cpu:5.1f}, {theirs.cpu / slower.cpu:4.1f}"
            f" {ours.megabytes:5.0f} : {theirs.megabytes:5.0f}",
            flush=True,
        )
    return 0


def _median(runs: list[Run]) -> Run:
    return sorted(runs, key=lambda run: run.cpu)[len(runs) // 2] if runs else Run(0, 0, 0)


def _plainwire(capture: Path, kernel: str = "on") -> Run:
    with tempfile.TemporaryFile() as output:
        arguments = [sys.executable, "-m", "plainwire", "analyze", "--json", str(capture)]
        run = _timed(arguments, output.fileno(), {"PLAINWIRE_KERNEL": kernel})
        output.seek(0)
        counted = subprocess.run(
            [sys.executable, "-c", _COUNT], stdin=output, capture_output=True, check=True
        )
        return run._replace(exchanges=int(counted.stdout))


def _tshark(capture: Path, protocol: str) -> Run:
    """Segments may be out of order; nothing needs a second pass, since nothing is paired."""
    fields = [part for field in _FIELDS[protocol] for part in ("-e", field)]
    order = ("-o", "tcp.reassemble_out_of_order:TRUE")
    shown = ("-Y", protocol, "-T", "fields", "-e", "frame.number")
    arguments = [command("tshark"), *order, "-r", str(capture), *shown, *fields]
    return _timed(arguments, subprocess.DEVNULL)


def _floor(capture: Path) -> Run:
    return _timed(
        [sys.executable, str(Path(__file__).with_name("floor.py")), str(capture)], subprocess.DEVNULL
    )


def _timed(arguments: list[str], output: int, more: dict[str, str] | None = None) -> Run:
    start = time.perf_counter()
    environment = {**os.environ, **(more or {})}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed has been compiled
    process = subprocess.Popen(arguments, stdout=output, stderr=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in {0, 1, 3}:
        sys.exit(f"exit status {process.returncode}: {' '.join(arguments)}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)
