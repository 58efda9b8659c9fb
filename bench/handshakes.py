"""A thousand handshakes for each way of having secrets, over mixed clients: none missed, none wrong.

``python bench/handshakes.py [NUMBER [WAY]]``. Each client is started by what ``plainwire run`` starts it with
(or attached to), and makes its share of new connections; what is logged is held against the server's own key
log line by line. Results are kept in bench/handshakes.json, for docs/runtimes.md.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
import threading
from typing import TYPE_CHECKING

import runtime_programs
from msgspec import Struct
from runtimes import HANDSHAKES_RESULTS, keep, kept, running, served

from plainwire import case as cases
from plainwire import recording
from plainwire.acquire.launch import launch
from plainwire.keys import lines_of
from tests import own_network
from tests.acquire.tls_server import key_lines

if TYPE_CHECKING:
    from runtime_programs import Client

    from plainwire.acquire.attached import AttachedProgram

PATIENCE = 300.0  # seconds for one client
ATTACHED = "attached, a patch in memory"
CLIENTS = {
    "OpenSSL's own callback": ["CPython, http.client", "pycurl", "ruby", "perl"],
    "a patch in memory": ["Node.js, undici", "pyOpenSSL", "rnet", "Go, static"],
    "SSLKEYLOGFILE": ["curl_cffi", "Deno"],
    "from inside the virtual machine": ["Java 17, Https", "OkHttp"],
    ATTACHED: ["CPython, http.client", "Node.js, https", "Go, static", "pyOpenSSL"],
}


class Outcome(Struct):
    """Of how many handshakes the lines were had; ``missed`` and ``wrong`` are lines."""

    clients: list[str] = []
    handshakes: int = 0
    lines: int = 0
    missed: int = 0
    wrong: int = 0


def main() -> None:
    """Play all, and keep what came of it."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    results = kept(HANDSHAKES_RESULTS, dict[str, Outcome])
    runtime_programs.prepare()
    own_network.enter()
    for way, names in CLIENTS.items():
        if way not in (sys.argv[2:] or CLIENTS):
            continue
        outcome = results[way] = Outcome()
        for name in names:
            client = next(
                each for each in runtime_programs.ALL if each.name.startswith(name) or name in each.name
            )
            done = _attached if way == ATTACHED else _launched
            truth, had = done(client, -(-number // len(names)))
            outcome.clients.append(client.name)
            outcome.handshakes += len({line.split()[1] for line in truth})
            outcome.lines += len(truth)
            outcome.missed += len(truth - had)
            outcome.wrong += len(had - truth)
            print(way, client.name, outcome, flush=True)
            keep(HANDSHAKES_RESULTS, results)


def _launched(client: Client, number: int) -> tuple[set[str], set[str]]:
    """The server's lines, and those that were had."""
    with served(client, told=True) as (folder, server, command):
        if command is None:
            return set(), set()
        words = f"yes new | head -n {number} | {shlex.join(command)} >/dev/null"
        case = cases.create(folder / "case")
        program = launch(["sh", "-c", words], case)
        program.wait(PATIENCE)
        program.finish()
        return server.secrets(), key_lines(case.keys)


def _attached(client: Client, number: int) -> tuple[set[str], set[str]]:
    with served(client, told=True) as (folder, server, command):
        if command is None:
            return set(), set()
        with running(command) as program:
            program.do("new")
            before = server.secrets()

            def ask() -> None:
                for _ in range(number):
                    program.do("new")
                os.kill(os.getpid(), signal.SIGINT)

            asking = threading.Thread(target=ask)

            def begin(_: AttachedProgram) -> None:
                asking.start()

            recording.attach([program.pid], folder=folder / "case", duration=PATIENCE, attached=begin)
            asking.join()
            had = {line.decode().strip() for line in lines_of([folder / "case" / "capture.pcapng"])}
            return server.secrets() - before, {line for line in had if _is_new(line, before)}


def _is_new(line: str, before: set[str]) -> bool:
    """Not of the connection that was open before, which memory tells of under a client random of its own."""
    label, _, secret = line.split()
    return label != "EXPORTER_SECRET" and not any(each.endswith(f" {secret}") for each in before)


if __name__ == "__main__":
    main()
