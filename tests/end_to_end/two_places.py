"""``python -m tests.end_to_end.two_places SCENARIO FOLDER``: a scenario of the lab, captured at both ends.

FOLDER gets the client's case as always, and ``far.pcapng``: what dumpcap saw where the server is.
"""

from __future__ import annotations

import contextlib
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
QUIET = 1.0
"""Seconds for what is still on its way when the client has ended."""


@contextlib.contextmanager
def captured(path: Path) -> Iterator[None]:
    """Capture all of this network as long as the block lasts."""
    command = [tool("dumpcap"), "-q", "-i", "any", "-a", f"duration:{LONGEST}", "-w", str(path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as dumpcap:
        assert dumpcap.stderr is not None
        for line in dumpcap.stderr:
            if line.startswith("File:"):
                break
        try:
            yield
            time.sleep(QUIET)
        finally:
            dumpcap.terminate()


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
