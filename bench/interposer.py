"""What the interposer alone costs a handshake and a program's start: no network, no capture, CPU time.

Client and server are two ends of one Python process, joined by memory, so that nothing else is measured;
the interposer logs the secrets of both. One row a way of starting the program, the least of several rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import ssl
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from plainwire import case
from plainwire.acquire.launch import launch
from plainwire.lab import certificates

HANDSHAKES = 500


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--inside", nargs=2, metavar=("FOLDER", "RESULT"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        folder, result = map(Path, options.inside)
        result.write_text(json.dumps(_handshakes(folder)), encoding="utf-8")
        return
    with tempfile.TemporaryDirectory(prefix="plainwire-bench-") as made:
        folder = Path(made)
        certificates.make(folder, ("localhost",))
        plain, under = [], []
        for number in range(options.rounds):
            plain.append(_program(folder, None))
            under.append(_program(folder, folder / f"case-{number}"))
    print(f"{'':8} {'a handshake, both ends':>22} {'the rest of the program':>23}")
    for name, times in (("without", plain), ("with", under)):
        handshake, rest = map(min, zip(*times, strict=True))
        print(f"{name:8} {handshake * 1e6:19.0f} us {rest * 1e3:20.1f} ms")


def _program(folder: Path, into: Path | None) -> tuple[float, float]:
    """CPU seconds of one handshake, and of the program besides its handshakes."""
    result = folder / "times"
    command = [sys.executable, __file__, "--inside", str(folder), str(result)]
    before = os.times()
    if into is None:
        subprocess.run(command, check=True)
    else:
        program = launch(command, case.create(into))
        program.wait()
        program.finish()
    after = os.times()
    seconds: float = json.loads(result.read_text(encoding="utf-8"))
    whole = after.children_user + after.children_system - before.children_user - before.children_system
    return seconds / HANDSHAKES, whole - seconds


def _handshakes(folder: Path) -> float:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / "server.pem", folder / "server.key")
    client = ssl.create_default_context(cafile=str(folder / "authority.pem"))
    _handshake(client, server)
    start = time.process_time()
    for _ in range(HANDSHAKES):
        _handshake(client, server)
    return time.process_time() - start


def _handshake(client: ssl.SSLContext, server: ssl.SSLContext) -> None:
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname="localhost"),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    while ends:
        for end in list(ends):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            ends.remove(end)


if __name__ == "__main__":
    main()
