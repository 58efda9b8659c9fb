"""A program run under ``plainwire run``, and what came of it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plainwire.case import Case
from plainwire.lab.scenario import CLIENTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.end_to_end.conftest import Server

SERIAL = CLIENTS / "serial.py"
SESSION = Path(__file__).parent / "clients" / "session.py"
RAISED = re.compile(r"^GET (\S+): ", re.MULTILINE)


@dataclass(frozen=True)
class Recorded:
    """``status`` and ``stdout`` are the program's; ``report`` is report.json."""

    status: int
    stdout: str
    case: Case
    report: dict[str, Any]

    @property
    def raised(self) -> list[str]:
        """Targets of the requests that the program itself reported as failed."""
        return sorted(RAISED.findall(self.stdout))

    def targets(self, *codes: str) -> list[str]:
        """Targets of the exchanges in findings with one of ``codes``."""
        ids = {
            number
            for finding in self.report["findings"]
            if finding["code"] in codes
            for number in finding["exchanges"]
        }
        return sorted(e["request"]["target"] for e in self.report["exchanges"] if e["id"] in ids)

    def codes(self) -> set[str]:
        """All codes found."""
        return {finding["code"] for finding in self.report["findings"]}

    def of_all_programs(self) -> Recorded:
        """The same with all connections in the capture."""
        command = [sys.executable, "-m", "plainwire", "analyze", "--json", self.case.capture]
        done = subprocess.run(
            [str(word) for word in command], capture_output=True, text=True, timeout=120, check=False
        )
        return dataclasses.replace(self, report=json.loads(done.stdout))

    def exchanges_with(self, port: int) -> list[dict[str, Any]]:
        """The exchanges with the server on ``port``, in the order of their requests."""
        mine = {c["id"] for c in self.report["connections"] if c["server"].endswith(f":{port}")}
        return [e for e in self.report["exchanges"] if e["connection"] in mine]


def record(
    folder: Path,
    *program: object,
    options: Sequence[object] = (),
    inside: Sequence[object] = (),
    stdout: Path | None = None,
    patience: float = 120,
) -> Recorded:
    """Run ``program`` under plainwire; its case goes into ``folder``.

    ``options`` are plainwire's; ``inside`` is put before all, to run both in another network. ``stdout`` is
    the file that standard output goes to, where it is to be one; ``patience`` is in seconds.
    """
    case = Case(folder / "case")
    command = [*inside, sys.executable, "-m", "plainwire", "run", "-o", case.folder, *options]
    command += ["--", *program]
    words = [str(word) for word in command]
    with contextlib.ExitStack() as opened:
        output = subprocess.PIPE if stdout is None else opened.enter_context(stdout.open("w"))
        done = subprocess.run(
            words, stdout=output, stderr=subprocess.PIPE, text=True, timeout=patience, check=False
        )
    assert case.report_json.exists(), done.stderr
    return Recorded(done.returncode, done.stdout or "", case, json.loads(case.report_json.read_bytes()))


def record_all(
    folder: Path, *program: object, options: Sequence[object] = (), inside: Sequence[object] = ()
) -> Recorded:
    """``record``, where ``report`` is about the connections of every program, not of this one alone."""
    recorded = record(folder, *program, options=["--keep-all", *options], inside=inside)
    return recorded.of_all_programs()


def python_client(library: str, server: Server, count: int, *pauses: float) -> list[object]:
    """The command of a client that sends ``count`` requests over one connection, as long as it lasts."""
    if library == "http.client":
        asked = (count, 10, "GET", 0)
        return [sys.executable, SERIAL, "127.0.0.1", server.port, server.authority, *asked, *pauses]
    return [sys.executable, SESSION, server.url, server.authority, count, *pauses]
