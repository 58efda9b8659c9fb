"""Healthy traffic as control: real servers, real clients, nothing planted; not one finding may come out."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from plainwire.lab.scenario import CLIENTS

from . import programs, webservers

if TYPE_CHECKING:
    from pathlib import Path

    from .programs import Program

EACH = 3
"""Requests on one connection."""
PAUSES = ("0", "0.01", "0", "0", "0.02")
TIMEOUT = 300


@dataclass
class Seen:
    """What one client did with one server, as plainwire reports it."""

    connections: int = 0
    exchanges: int = 0
    undecrypted: int = 0
    findings: list[str] = field(default_factory=list)
    words: str = ""


def control(found: list[Program], folder: Path, connections: int) -> bool:
    """Run every client against every server, ``connections`` in all; whether no finding came out."""
    own = [_fresh(program) for program in found if not program.keyless and program.name != "go"]
    share = -(-connections // (len(webservers.NAMES) * max(1, len(own))))
    total = Seen()
    print(f"{'server':10} {'client':12} {'connections':>11} {'exchanges':>9} {'undecrypted':>11} findings")
    for server in webservers.NAMES:
        try:
            _with_server(server, own, share, folder / "healthy" / server, total)
        except webservers.AbsentError as error:
            print(f"{server:10} absent: {error}")
    _line("all", "", total, f"{len(total.findings)} findings")
    return not total.findings


def _line(server: str, client: str, seen: Seen, words: str) -> None:
    counts = f"{seen.connections:11} {seen.exchanges:9} {seen.undecrypted:11}"
    print(f"{server:10} {client:12} {counts} {words}", flush=True)


def _fresh(program: Program) -> Program:
    """The client that opens new connections as FRESH says."""
    if program.name != programs.OWN:
        return program
    script = programs.FOLDER / "http_client_serial.py"
    command = tuple(str(script) if part == str(CLIENTS / "serial.py") else part for part in program.command)
    return dataclasses.replace(program, command=command)


def _with_server(server: str, clients: list[Program], share: int, folder: Path, total: Seen) -> None:
    with webservers.serving(server, folder) as (port, authority):
        for program in clients:
            seen = talk(program, port, authority, share, folder / f"case-{program.name}")
            _line(server, program.name, seen, f"{', '.join(seen.findings) or '-'} {seen.words}")
            total.connections += seen.connections
            total.exchanges += seen.exchanges
            total.undecrypted += seen.undecrypted
            total.findings += seen.findings


def talk(program: Program, port: int, authority: Path, share: int, case: Path) -> Seen:
    """Let one client open ``share`` connections under ``plainwire run``, and read what it reports."""
    arguments = [webservers.HOST, str(port), str(authority), str(share * EACH), "30", "GET", "0", *PAUSES]
    run = [sys.executable, "-m", "plainwire", "run", "-o", str(case), "--", *program.command, *arguments]
    environment = {**os.environ, "FRESH": str(EACH)}
    done = subprocess.run(run, env=environment, capture_output=True, timeout=TIMEOUT, check=False)
    words = "" if b" 0 failed" in done.stdout else done.stdout.decode(errors="replace")[-200:]
    if not (case / "report.json").exists():
        return Seen(words=f"no report: {done.stderr.decode(errors='replace')[-200:]}")
    report = json.loads((case / "report.json").read_bytes())
    return Seen(
        connections=len(report["connections"]),
        exchanges=len(report["exchanges"]),
        undecrypted=len(report["coverage"]["undecrypted"]),
        findings=[each["code"] for each in report["findings"]],
        words=words,
    )
