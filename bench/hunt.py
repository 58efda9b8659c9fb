"""``plainwire hunt`` on a program that fails in about 3 % of its runs, and on one that never does.

The program does ten requests on one kept connection and now and then dawdles before one of them; the server
resets connections that bring a request after such a pause. Neither says so. What plainwire finds is held
against the server's own log.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flaky_server import flaky_server

from plainwire.lab import certificates

if TYPE_CHECKING:
    from flaky_server import Asked, Flaky

PAUSE = 1.0
PROGRAM = """
import http.client, random, ssl, sys, time
port, authority, rate = int(sys.argv[1]), sys.argv[2], float(sys.argv[3])
context = ssl.create_default_context(cafile=authority)
connection = http.client.HTTPSConnection("localhost", port, context=context)
for number in range(10):
    time.sleep(random.uniform(0, 0.02))
    if number and random.random() < rate:
        time.sleep(random.uniform(1.2, 1.4))
    connection.request("GET", f"/item/{random.randrange(1000)}")
    connection.getresponse().read()
"""


def main() -> None:
    """Print what was found of both programs; exit 1 where it is not what the server knows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", "--runs", type=int, default=300)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--rate", type=float, default=0.03, help="share of runs that fail")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="plainwire-bench-") as made:
        folder = Path(made)
        made_here = certificates.make(folder, ("localhost",))
        good = [
            _hunted(folder, made_here, options, rate) for rate in (1 - (1 - options.rate) ** (1 / 9), 0.0)
        ]
    sys.exit(not all(good))


def _spoils(asked: Asked) -> bool:
    return asked.idle > PAUSE


def _hunted(folder: Path, made: certificates.Certificates, options: argparse.Namespace, rate: float) -> bool:
    with flaky_server(made.chain, made.key, _spoils) as server:
        program = [sys.executable, "-c", PROGRAM, str(server.port), str(made.authority), str(rate)]
        output = folder / f"hunt-{'failing' if rate else 'healthy'}"
        command = [sys.executable, "-m", "plainwire", "hunt", "--json", "-n", str(options.runs), "-o"]
        command += [str(output), "--jobs", str(options.jobs), "--", *program]
        began = time.monotonic()
        done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
        took = time.monotonic() - began
    return _judged(json.loads(done.stdout), server, took)


def _judged(found: dict[str, Any], server: Flaky, took: float) -> bool:
    print(f"{found['runs']} runs in {took:.0f} s, {found['failed']} failed, end: {found['end']}")
    print(f"  the server's log: {len(server.spoiled)} of {len(server.asked)} requests met with a reset")
    accused = sum(mechanism["requests"] for mechanism in found["mechanisms"])
    for mechanism in found["mechanisms"]:
        print(f"  {mechanism['code']}: {mechanism['requests']} requests in {len(mechanism['runs'])} runs")
    for said in (*(c["claim"] for c in found["comparison"]), *found["undecided"]):
        print(f"  {said}")
    if not server.spoiled:
        print(f"  with 95 % confidence fewer than {found['runs_below']:.2%} of runs fail")
        return not found["failed"] and not accused
    explained = any(c["feature"] == "idle_before" for c in found["comparison"])
    return explained and accused == len(server.spoiled) and found["failed"] == len(server.spoiled)


if __name__ == "__main__":
    main()
