"""``python -m tests.end_to_end.two_places SCENARIO FOLDER``: a scenario of the lab, captured at both ends.

FOLDER gets the client's case as always, and ``far.pcapng``: what dumpcap saw where the server is.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from plainwire.lab import play, scenarios
from plainwire.lab.play import PlayFiles
from tests.needs import tool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.lab.scenario import Scenario

LONGEST = 600
"""Seconds after which dumpcap ends by itself."""
PATIENCE = 120


@contextlib.contextmanager
def captured(path: Path, *inside: object) -> Iterator[None]:
    """Capture all of this network, or of the one that ``inside`` enters, as long as the block lasts."""
    command = [*inside, tool("dumpcap"), "-q", "-i", "any", "-a", f"duration:{LONGEST}", "-w", path]
    with subprocess.Popen(list(map(str, command)), stderr=subprocess.PIPE, text=True) as dumpcap:
        assert dumpcap.stderr is not None
        next(line for line in dumpcap.stderr if line.startswith("File:"))
        try:
            yield
            _wait_for_all(dumpcap.pid, path)
        finally:
            dumpcap.terminate()


def _wait_for_all(pid: int, path: Path) -> None:
    """Until a packet that is sent now, in the network of that process, is in the file."""
    mark = os.urandom(16).hex()
    send = f"import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'{mark}', ('127.0.0.1', 9))"
    subprocess.run([tool("nsenter"), f"--net=/proc/{pid}/ns/net", sys.executable, "-c", send], check=True)
    deadline = time.monotonic() + PATIENCE
    while mark.encode() not in path.read_bytes():
        assert time.monotonic() < deadline, path
        time.sleep(0.05)


def main(name: str, folder: Path) -> None:
    """Play it."""
    chosen = scenarios.find(name)
    entered = play._enter_server_network

    with contextlib.ExitStack() as stack:

        def enter(scenario: Scenario) -> int | None:
            made = entered(scenario)
            stack.enter_context(captured(folder / "far.pcapng"))
            return made

        play._enter_server_network = enter
        play.play(chosen, PlayFiles(folder))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
