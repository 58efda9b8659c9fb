"""What friTap has of the same programs: ``python bench/fritap.py [WORD...]``, for docs/runtimes.md.

friTap (from PyPI, in an environment of its own in build/runtimes) starts each program, as it would for its
user; what counts are the server's lines that it has logged, whichever case its hexadecimal digits have.
Results are kept in bench/fritap.json, of which ``bench/runtimes.py --page`` makes a column.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import runtime_programs
from runtime_programs import BUILT, Client
from runtimes import FRITAP_RESULTS, chosen, keep, kept, served

from tests import own_network
from tests.acquire.tls_server import key_lines

FRITAP = BUILT / "fritap"
PATIENCE = 60.0  # seconds until the program has asked
BEHIND = 3.0  # seconds for what is logged after that


def main() -> None:
    """Play what is asked for."""
    results = kept(FRITAP_RESULTS, dict[str, str])
    runtime_programs.prepare()
    if not FRITAP.exists():
        subprocess.run([sys.executable, "-m", "venv", FRITAP], check=True)
        subprocess.run([FRITAP / "bin" / "python", "-m", "pip", "install", "-q", "friTap"], check=True)
    own_network.enter()
    for client in chosen(sys.argv[1:]):
        results[client.name] = _had(client)
        print(client.name, results[client.name], flush=True)
        keep(FRITAP_RESULTS, results)


def _had(client: Client) -> str:
    with served(client) as (folder, server, command):
        if command is None:
            return "not on this machine"
        keys = folder / "fritap.log"
        starting = [str(FRITAP / "bin" / "fritap"), "-nl", "-s", "-k", str(keys), "--", *command]
        nowhere = subprocess.DEVNULL
        with subprocess.Popen(starting, cwd=folder, stdin=nowhere, stdout=nowhere, stderr=nowhere) as fritap:
            until = time.monotonic() + PATIENCE
            while not server.peers and fritap.poll() is None and time.monotonic() < until:
                time.sleep(0.2)
            time.sleep(BEHIND)
            fritap.send_signal(signal.SIGINT)
            try:
                fritap.wait(15)
            except subprocess.TimeoutExpired:
                fritap.kill()
        truth = server.secrets()
        had = {line.lower() for line in key_lines(keys)} if keys.exists() else set()
        return f"{sum(line.lower() in had for line in truth)} of {len(truth)}"


if __name__ == "__main__":
    main()
