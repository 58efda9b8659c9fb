"""200 times plainwire attaches to a busy program and lets it go: no request may fail of it.

    python bench/attach.py [--times 200] [--client python|node|go|ruby|curl_cffi|pyopenssl]

The client makes new connections all the time, each with a request whose answer it checks. Afterwards its code
must be what its files say, and nothing of plainwire be mapped in it.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from plainwire import case as cases
from plainwire.acquire.attached import AttachedProgram
from plainwire.acquire.patcher import Patcher
from tests.acquire.driven import KINDS, driven
from tests.acquire.test_attached import code_that_differs, traces_of_us
from tests.acquire.tls_server import key_lines, tls_server


def main() -> None:
    """See above."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--times", type=int, default=200)
    arguments.add_argument("--client", choices=KINDS, default="python")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        _play(given.client, given.times, Path(name))


def _play(kind: str, times: int, folder: Path) -> None:
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
        f"left behind: {left}"
    )
    sys.exit(bool(failed or wrong or left))


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
