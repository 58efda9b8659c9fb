"""Captures on a Dask cluster of this machine: how much sooner two workers are done, with the same findings.

    python bench/cluster.py [--captures 200] [--exchanges 1000] [--workers 2]

One capture in five has failures, one file is no capture, and one worker is killed in the middle of a second
run, over the same captures into another folder. Nothing is kept.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import distributed
from speed.workloads import WORKLOADS

from plainwire.cluster import scheduling
from plainwire.progress import Progress

if TYPE_CHECKING:
    from plainwire.cluster.scheduling import ClusterRun


def main() -> None:
    """See above."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--captures", type=int, default=200)
    arguments.add_argument("--exchanges", type=int, default=1000)
    arguments.add_argument("--workers", type=int, default=2)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="plainwire-bench-") as name:
        folder = Path(name)
        _make(folder, given.captures, given.exchanges)
        alone, one = _timed(folder, 1, "one")
        many, several = _timed(folder, given.workers, "several")
        _, killed = _timed(folder, given.workers, "killed", kill=True)
    print(f"{given.captures} captures of {given.exchanges} exchanges, and one file that is none")
    print(f"  1 worker   {alone:6.1f} s")
    print(f"  {given.workers} workers  {many:6.1f} s: {alone / many:.2f} times sooner")
    for what, run in (("the same findings", several), ("with a worker killed", killed)):
        print(f"  {what}: {'yes' if _told(run) == _told(one) else 'NO'}")
    print(f"  unread: {len(killed.unread)}; findings: {dict(_told(one))}")


def _make(folder: Path, captures: int, exchanges: int) -> None:
    """One of each kind; the others are copies of them, under names of their own."""
    kinds = {each.name: each for each in WORKLOADS}
    made = {}
    for kind in ("few", "few-failing"):
        made[kind] = folder / kind
        kinds[kind].write(made[kind], exchanges)
    for number in range(captures):
        (folder / f"{number:04d}.pcapng").hardlink_to(made["few-failing" if number % 5 == 4 else "few"])
    (folder / "none.pcapng").write_bytes(b"no capture")


def _timed(folder: Path, workers: int, into: str, *, kill: bool = False) -> tuple[float, ClusterRun]:
    """Wall time from the first task on, once the workers have imported what they need."""
    with distributed.LocalCluster(
        n_workers=workers, threads_per_worker=1, dashboard_address=":0", local_directory=str(folder / "dask")
    ) as cluster:
        warm = [str(folder / "0000.pcapng"), str(folder / "0001.pcapng")] * workers
        scheduling.analyze(cluster.scheduler_address, warm, str(folder / f"warm-{into}"), [], Progress())
        if kill:
            threading.Timer(5, _kill, [cluster]).start()
        began = time.monotonic()
        found = scheduling.analyze(
            cluster.scheduler_address, [str(folder / "*.pcapng")], str(folder / into), [], Progress()
        )
        return time.monotonic() - began, found


def _kill(cluster: distributed.LocalCluster) -> None:
    """The end of the first worker; its nanny begins another."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(next(iter(cluster.workers.values())).process.pid, signal.SIGKILL)


def _told(run: ClusterRun) -> Counter[str]:
    counts: Counter[str] = Counter(captures=len(run.records))
    for record in run.records:
        for each in record["findings"]:
            counts[each["code"]] += each["exchanges"]
    return counts


if __name__ == "__main__":
    main()
