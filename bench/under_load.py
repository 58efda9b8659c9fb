"""Captures under load, beside tcpdump: packets that were dropped, and seconds of a processor.

    python bench/under_load.py [--rate 100000] [--seconds 30] [--size 100]

As root, in a network namespace of its own, with datagrams over its loopback (bench/load.c), one capture after
the other. ``plainwire record`` is of the whole host there; its analysis runs beside it, and counts.
"""

from __future__ import annotations

import argparse
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

from plainwire.lab import namespaces

HERE = Path(__file__).parent
_BEGUN = 3.0  # seconds until a capture has begun
_SIGNALS = {"plainwire record": signal.SIGTERM, "tcpdump": signal.SIGINT}


class Load(NamedTuple):
    """What is sent: packets a second, for how long, bytes in each."""

    rate: int
    seconds: float
    size: int


def main() -> None:
    """See above."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rate", type=int, default=100_000)
    arguments.add_argument("--seconds", type=float, default=30.0)
    arguments.add_argument("--size", type=int, default=100)
    given = arguments.parse_args()
    load = Load(given.rate, given.seconds, given.size)
    namespaces.enter_new(user=False)
    with tempfile.TemporaryDirectory() as name, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sink:
        folder = Path(name)
        sink.bind(("127.0.0.1", 0))
        program = folder / "load"
        subprocess.run(["cc", "-O2", "-o", str(program), str(HERE / "load.c")], check=True)
        send = [str(program), *map(str, (load.rate, load.seconds, load.size)), str(sink.getsockname()[1])]
        print(f"{'':18}  {'sent':>10}  {'captured':>10}  {'dropped':>9}  {'CPU s':>7}  {'of it sending':>13}")
        record = [sys.executable, "-m", "plainwire", "record", "-o", str(folder / "flight")]
        record += ["--keep", "500MB", "--segment", "5s"]
        tcpdump = [
            str(shutil.which("tcpdump")),
            "-i",
            "lo",
            "-n",
            "-B",
            "131072",
            "-w",
            str(folder / "dump.pcap"),
        ]
        _play("plainwire record", record, send)
        shutil.rmtree(folder / "flight")
        _play("tcpdump", tcpdump, send)


def _play(name: str, command: list[str], send: list[str]) -> None:
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as capture:
        time.sleep(_BEGUN)
        before = _cpu()
        sent = int(subprocess.run(send, capture_output=True, text=True, check=True).stdout)
        sending = _cpu() - before
        capture.send_signal(_SIGNALS[name])
        _, said = capture.communicate()
    captured, dropped = _figures(said)
    total = _cpu() - before
    print(f"{name:18}  {sent:10,}  {captured:>10}  {dropped:>9}  {total - sending:7.1f}  {sending:13.1f}")
    for line in said.splitlines():
        if "plainwire" in line and "recording into" not in line:
            print(f"    {line}")


def _cpu() -> float:
    """Of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _figures(said: str) -> tuple[str, str]:
    ours = re.search(r"([\d,]+) packets, ([\d,]+) dropped by the kernel", said)
    if ours is None:
        captured = re.search(r"(\d+) packets captured", said)
        dropped = re.search(r"(\d+) packets dropped by kernel", said)
        return (f"{int(captured[1]):,}" if captured else "?", f"{int(dropped[1]):,}" if dropped else "?")
    return ours[1], ours[2]


if __name__ == "__main__":
    main()
