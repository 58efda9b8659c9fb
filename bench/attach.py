"""200 times plainwire attaches to a busy program and lets it go: no request may fail of it.

    python bench/attach.py [--times 200] [--kills 50] [--client python|node|go|ruby|curl_cffi|pyopenssl]

The client makes new connections all the time, each with a request whose answer it checks. Afterwards its code
must be what its files say, and nothing of plainwire be mapped in it. Then ``plainwire attach`` is killed at
random moments, by SIGKILL, and the same must hold. What came of it is kept in bench/attach.json, of which
``bench/runtimes.py --page`` makes a table.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from plainwire import case as cases
from plainwire.acquire.attached import AttachedProgram
from plainwire.acquire.patcher import Patcher
from tests.acquire.driven import KINDS, driven
from tests.acquire.test_attached import code_that_differs, traces_of_us
from tests.acquire.tls_server import key_lines, tls_server

RESULTS = Path(__file__).with_suffix(".json")
LONGEST = 2.0  # seconds until it is killed
PATIENCE = 10.0  # seconds


def main() -> None:
    """See above."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--times", type=int, default=200)
    arguments.add_argument("--client", choices=KINDS, default="python")
    arguments.add_argument("--kills", type=int, default=50)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        _play(given.client, given.times, given.kills, Path(name))


def _play(kind: str, times: int, kills: int, folder: Path) -> None:
    with tls_server(folder) as server, driven(kind, server.port, folder) as client:
        differed = code_that_differs(client.pid)
        answers: list[str] = []
        over = threading.Event()

        def ask() -> None:
            while not over.is_set():
                answers.append(client.do("new"))

        asking = threading.Thread(target=ask)
        asking.start()
        stopped, secrets = [], set()
        try:
            for number in range(times):
                seconds, keys = _once(client.pid, folder / f"case{number}")
                stopped.append(seconds * 1000)
                secrets |= keys
            late = sum(_killed(client.pid, folder / f"killed{number}") for number in range(kills))
        finally:
            over.set()
            asking.join(60)
        failed = len(answers) - answers.count("200")
        wrong = len(secrets - server.secrets())
        left = len(traces_of_us(client.pid)) + (code_that_differs(client.pid) != differed)
    print(
        f"{kind}: {times} times attached, {len(answers)} requests, {failed} failed; "
        f"{len({line.split()[1] for line in secrets})} handshakes told, {wrong} wrong lines; "
        f"stopped for {statistics.median(stopped):.1f} ms in the median, {max(stopped):.1f} at most; "
        f"killed {kills} times, {late} times something was left after {PATIENCE:.0f} s; left behind: {left}"
    )
    cells = [
        times,
        len(answers),
        failed,
        wrong,
        f"{statistics.median(stopped):.0f} ms",
        f"{max(stopped):.0f} ms",
    ]
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    kept[kind] = [*map(str, cells), f"{os.getloadavg()[2]:.0f}", str(kills), str(left + late)]
    RESULTS.write_text(json.dumps(kept, indent=2) + "\n")
    sys.exit(bool(failed or wrong or left or late))


def _killed(pid: int, folder: Path) -> bool:
    """Whether anything is left in the program a while after a plainwire that attached to it was killed."""
    command = [sys.executable, "-m", "plainwire", "attach", "-q", "-o", str(folder), str(pid)]
    with subprocess.Popen(command) as plainwire:
        time.sleep(random.uniform(0, LONGEST))
        plainwire.kill()
    end = time.monotonic() + PATIENCE
    while traces_of_us(pid) and time.monotonic() < end:
        time.sleep(0.01)
    return bool(traces_of_us(pid))


def _once(pid: int, folder: Path) -> tuple[float, set[str]]:
    """The longest time that it was stopped, in seconds, and the lines that it told."""
    case, patcher = cases.create(folder), Patcher()
    try:
        program = AttachedProgram([pid], case, patcher)
        program.begin()
        program.look()
        program.finish()
        return program.stopped_longest, key_lines(case.keys)
    finally:
        patcher.close()
        case.close()


if __name__ == "__main__":
    main()
