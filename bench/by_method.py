"""What each way of having secrets costs: CPU time of what a program does, and of its start, in turn.

``python bench/by_method.py [TURNS [WORD]]``; with a word only the ways that have it in their name. Two of a
client run at once, one of them under plainwire, and are told in short turns to make new connections with a
request each, or requests on the last; then two others, as no two processes are equally fast. What counts is
the processor's time of the program alone, without that of plainwire's own processes, and not the clock:
others run as well. Results are kept in bench/by_method.json, of which ``bench/runtimes.py --page`` makes a
table.
"""

from __future__ import annotations

import contextlib
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import runtime_programs
from runtimes import BY_METHOD_RESULTS, folder_of_its_own, keep, kept, running, served

from plainwire import case as cases
from plainwire.acquire import board as boards
from plainwire.acquire.launch import launch
from tests import own_network

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.acquire.driven import Driven

PAIRS = 8
"""Of processes of each client: two that do the same differ by a tenth and more, by where their memory is."""
EACH_TURN = {"new": 10, "again": 100}
"""How many in a turn: connections with a request each, and requests on the last of them."""
WARM_UP = 20  # connections
PATIENCE = 120.0  # seconds
INSIDE = "--inside"
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
    if sys.argv[1:2] == [INSIDE]:
        _inside(Path(sys.argv[2]), sys.argv[3:])
        return
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    word = sys.argv[2] if len(sys.argv) > 2 else ""
    runtime_programs.prepare()
    own_network.enter()
    results = kept(BY_METHOD_RESULTS, dict[str, list[str]])
    for way, name in CLIENTS.items():
        if word in way:
            _weigh(results, way, name, turns)
    for name, command in STARTS.items():
        path = shutil.which(command[0])
        if path is None or word not in name:
            continue
        starts: dict[bool, list[float]] = {False: [], True: []}
        with folder_of_its_own() as folder:
            for _ in range(turns * PAIRS):
                for preloaded, each in starts.items():
                    each.append(1000 * _start([path, *command[1:]], folder, under=preloaded))
        _keep(results, f"start: {name}", _words(name.split()[0], starts, "ms"))


def _weigh(results: dict[str, list[str]], way: str, name: str, turns: int) -> None:
    """Pairs of one client, and what came of them."""
    client = next(each for each in runtime_programs.ALL if each.name.startswith(name))
    costs: dict[str, dict[bool, list[float]]] = {word: {False: [], True: []} for word in EACH_TURN}
    for _ in range(PAIRS):
        with served(client, told=True) as (folder, _, program):
            if program is None:
                return
            with running(program) as alone, _under(program, folder) as (under, pid):
                for word, both in costs.items():
                    told = _in_turn({False: (alone, alone.pid), True: (under, pid)}, turns, word)
                    for preloaded, each in told.items():
                        both[preloaded].append(median(each))
    for what, word in (("a handshake and a request", "new"), ("a request", "again")):
        _keep(results, f"{what}: {way}", _words(client.name, costs[word], "ms"))


def _keep(results: dict[str, list[str]], what: str, words: list[str]) -> None:
    results[what] = words
    print(what, words, flush=True)
    keep(BY_METHOD_RESULTS, results)


@contextlib.contextmanager
def _under(command: list[str], folder: Path) -> Iterator[tuple[Driven, int]]:
    """The program as plainwire starts it, by a process of its own; and its pid."""
    with running([sys.executable, __file__, INSIDE, str(folder), *command]) as program:
        yield program, int((folder / "pid").read_text())


def _inside(folder: Path, command: list[str]) -> None:
    case = cases.create(folder / "case")
    board = boards.made(case)
    program = launch(command, case, board=board)
    (folder / "pid").write_text(str(program.pid))
    while True:
        try:
            program.wait(boards.EMPTIED_EVERY)
        except TimeoutError:
            if board is not None:
                board.empty()
        else:
            break
    program.finish()


def _in_turn(programs: dict[bool, tuple[Driven, int]], turns: int, word: str) -> dict[bool, list[float]]:
    """Milliseconds of CPU that what ``word`` tells them took, of each turn."""
    costs: dict[bool, list[float]] = {False: [], True: []}
    for program, _ in programs.values():
        for _ in range(WARM_UP):
            program.do("new")
    for number in range(turns):
        for under in (False, True) if number % 2 else (True, False):
            program, pid = programs[under]
            before = _cpu(pid)
            for _ in range(EACH_TURN[word]):
                program.do(word)
            costs[under].append((_cpu(pid) - before) / EACH_TURN[word] * 1000)
    return costs


def _cpu(pid: int) -> float:
    """The CPU time of all threads of a process so far, in seconds: clock_getcpuclockid(3)."""
    return time.clock_gettime(~pid << 3 | 2)


def _start(command: list[str], folder: Path, *, under: bool) -> float:
    """Seconds of CPU that a program took from its start to its end."""
    if under:
        case = cases.create(folder / f"case-{time.monotonic_ns()}")
        program = launch(command, case, witnessed=False)
        before = _spent()
        program.wait(PATIENCE)
        spent = _spent() - before
        program.finish()
        return spent
    before = _spent()
    subprocess.run(command, check=False, timeout=PATIENCE)
    return _spent() - before


def _spent() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _words(name: str, costs: dict[bool, list[float]], unit: str) -> list[str]:
    alone, under = median(costs[False]), median(costs[True])
    ratio = median(b / a for a, b in zip(costs[False], costs[True], strict=True))
    return [name, f"{alone:.3f} {unit}", f"{under:.3f} {unit}", f"{ratio:.3f}"]


if __name__ == "__main__":
    main()
