"""What each way of having secrets costs the program: CPU time of handshakes and its start, in turn with none.

``python bench/by_method.py [ROUNDS]``. A client makes many new connections and few; what they differ in is
the handshakes (with a request each). The processor's time is counted, not the clock: others run as well.
Results are kept in bench/by_method.json, of which ``bench/runtimes.py --page`` makes a table.
"""

from __future__ import annotations

import resource
import shlex
import shutil
import subprocess
import sys
from statistics import median
from typing import TYPE_CHECKING

import runtime_programs
from runtimes import BY_METHOD_RESULTS, folder_of_its_own, keep, served

from plainwire import case as cases
from plainwire.acquire.launch import launch
from tests import own_network

if TYPE_CHECKING:
    from pathlib import Path

MANY, FEW = 220, 20
PATIENCE = 120.0  # seconds
CLIENTS = {
    "OpenSSL's own callback": "CPython, http.client",
    "a patch in memory (OpenSSL)": "pyOpenSSL",
    "a patch in memory (Go)": "Go, static",
    "SSLKEYLOGFILE": "curl_cffi",
    "from inside the virtual machine": "Java 17, Https",
}
STARTS = {"python -c pass": [sys.executable, "-c", "pass"], "node -e 0": ["node", "-e", "0"]}


def main() -> None:
    """Play all, and keep what came of it: a line of words for each."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    runtime_programs.prepare()
    own_network.enter()
    results: dict[str, list[str]] = {}
    for way, name in CLIENTS.items():
        client = next(each for each in runtime_programs.ALL if each.name.startswith(name))
        with served(client, told=True) as (folder, _, program):
            if program is None:
                continue
            costs: dict[bool, list[float]] = {False: [], True: []}
            for number in range(rounds):
                for under in (False, True) if number % 2 else (True, False):
                    many, few = (
                        _cost(_telling(program, count), folder, under=under) for count in (MANY, FEW)
                    )
                    costs[under].append((many - few) / (MANY - FEW) * 1000)
        results[f"a handshake and a request: {way}"] = _words(client.name, costs, "ms")
        _keep(results)
    for name, command in STARTS.items():
        path = shutil.which(command[0])
        if path is None:
            continue
        costs = {False: [], True: []}
        with folder_of_its_own() as folder:
            for _ in range(3 * rounds):
                for under in (False, True):
                    costs[under].append(1000 * _cost([path, *command[1:]], folder, under=under))
        results[f"start: {name}"] = _words(name.split()[0], costs, "ms")
        _keep(results)


def _keep(results: dict[str, list[str]]) -> None:
    print(list(results.items())[-1], flush=True)
    keep(BY_METHOD_RESULTS, results)


def _telling(program: list[str], count: int) -> list[str]:
    return ["sh", "-c", f"yes new | head -n {count} | {shlex.join(program)} >/dev/null 2>&1"]


def _cost(command: list[str], folder: Path, *, under: bool) -> float:
    """Seconds of CPU that the program and its children took."""
    before = _spent()
    if under:
        case = cases.create(folder / f"case-{before}")
        program = launch(command, case)
        program.wait(PATIENCE)
        program.finish()
    else:
        subprocess.run(command, check=False, timeout=PATIENCE)
    return _spent() - before


def _spent() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _words(name: str, costs: dict[bool, list[float]], unit: str) -> list[str]:
    alone, under = median(costs[False]), median(costs[True])
    return [name, f"{alone:.2f} {unit}", f"{under:.2f} {unit}", f"{under / alone:.2f}"]


if __name__ == "__main__":
    main()
