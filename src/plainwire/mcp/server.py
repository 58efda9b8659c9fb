"""The tools of the server. They answer from the packets; ``run`` runs a program."""

from __future__ import annotations

import contextlib
import os
import secrets as chance
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp.server import MCPServer
from mcp.types import ToolAnnotations

from plainwire import api, comparing, sudo
from plainwire import folder as folders
from plainwire.comparing import words
from plainwire.model import UserError
from plainwire.report import redact
from plainwire.report.escape import printable
from plainwire.report.style import Style

from . import answers, knowledge
from .answers import AbsentError, Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_RUNS = ToolAnnotations(read_only_hint=False, destructive_hint=True, open_world_hint=True)
LONGEST_RUN = 3600
"""Seconds that a program may be given (chosen)."""
_LINES = 40
"""Of what the program wrote last."""
MOST_CASES = 20
"""Cases of runs that are kept at a time where they are not to stay (chosen)."""
INSTRUCTIONS = """\
plainwire finds out what really happened on HTTPS connections. Run a failing program with `run` (it captures
and decrypts its traffic; the case folder in the answer is the `path` of the other tools), or `analyze` a
capture. Then `findings` for evidence with packet numbers, what was ruled out and the fix, and `exchange` for
one request. `explain` takes a code, or what a program said (RemoteDisconnected, ECONNRESET). Certainty is
proved, likely or possible: do not claim more than that. Secrets are hidden in all answers."""


class Cases:
    """Where ``run`` leaves its cases.

    In a folder that the user named they stay. Else they last as long as the server does, and the last
    MOST_CASES of them: they hold what the user's programs sent and received, with its secrets.
    """

    def __init__(self, folder: Path, *, stay: bool) -> None:
        self._folder, self._stay = folder, stay
        self._made: deque[Path] = deque()

    def new(self) -> Path:
        """The name of one that is to be made."""
        while not self._stay and len(self._made) >= MOST_CASES:
            shutil.rmtree(self._made.popleft(), ignore_errors=True)
        case = self._folder / f"case-{chance.token_hex(8)}"
        folders.made_anew(case).close()
        self._made.append(case)
        return case

    @property
    def last(self) -> str:
        """How long they do."""
        return "it stays" if self._stay else f"until the server ends, or {MOST_CASES} runs have followed"


@contextlib.contextmanager
def cases_in(folder: Path | None) -> Iterator[Cases]:
    """Where cases go: ``folder``, or one that is removed at the end, also where SIGTERM ends the server.

    They belong to whoever called sudo, as those of ``plainwire run`` do.

    Raises:
        UserError: the folder cannot be made.

    """
    if folder is not None:
        try:
            folders.output_folder(folder)
        except OSError as error:
            message = f"{folder}: {error.strerror}"
            raise UserError(message) from error
        yield Cases(folder.absolute(), stay=True)
        return
    with sudo.as_caller():
        made = tempfile.TemporaryDirectory(prefix="plainwire-mcp-")
    with made as own:

        def end(number: int, _frame: object) -> None:
            shutil.rmtree(own, ignore_errors=True)
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

        signal.signal(signal.SIGTERM, end)
        yield Cases(Path(own), stay=False)


def make(cases: Cases | None) -> MCPServer:
    """The server; with a place for ``cases`` it runs programs too."""
    server = MCPServer("plainwire", instructions=INSTRUCTIONS)
    for tool in (analyze, findings, exchange, explain, compare):
        server.tool(annotations=_READS)(tool)
    if cases is not None:
        server.tool(annotations=_RUNS)(runs(cases))
    return server


def analyze(path: str, keys: list[str] | None = None) -> dict[str, Any]:
    """Say what went wrong in a capture file or in a case folder that run left. keys: key log files."""
    return _asked(lambda: answers.overview(_report(path, keys)))


def findings(path: str, code: str = "", keys: list[str] | None = None) -> dict[str, Any]:
    """The findings in full (or of one code): claim, who, certainty, packets, what was ruled out, the fix."""
    return _asked(lambda: answers.findings(_report(path, keys), code))


def exchange(path: str, number: int, keys: list[str] | None = None) -> dict[str, Any]:
    """One request and its response: headers, sizes, times, packets, connection, findings. Secrets hidden."""
    return _asked(lambda: answers.exchange(_report(path, keys), number))


def explain(code_or_words: str) -> dict[str, Any]:
    """What a code means, what establishes and refutes it, the fix; or codes behind the words of a program."""
    return _asked(lambda: knowledge.explained(code_or_words))


def compare(a: str, b: str, keys: list[str] | None = None) -> dict[str, Any]:
    """Compare one traffic captured at two places (who made the reset), or what works with what fails."""

    def compared() -> Answer:
        found = comparing.compare(_report(a, keys), _report(b, keys))
        text = words.text(found, (a, b), Style.of(100, color=False))
        return {"text": text[: answers.TEXT], "cut": len(text) > answers.TEXT}

    return _asked(compared)


def runs(cases: Cases) -> Callable[..., dict[str, Any]]:
    """Make the tool that runs programs."""

    def run(command: list[str], directory: str = "", timeout_seconds: int = 300) -> dict[str, Any]:
        """Run a program (a list of arguments, no shell): exit status, last output, its case and the verdict.

        Its standard input is empty. It is ended after timeout_seconds.
        """
        return _asked(lambda: _run(cases, command, directory, min(max(1, timeout_seconds), LONGEST_RUN)))

    return run


def _run(cases: Cases, command: list[str], directory: str, seconds: int) -> Answer:
    if not command:
        message = "command is empty"
        raise AbsentError(message)
    case = cases.new()
    words_of_it = [sys.executable, "-m", "plainwire", "run", "-q", "-o", str(case), "--", *command]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            words_of_it, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=directory or None
        )
        try:
            status, in_time = process.wait(seconds), True
        except subprocess.TimeoutExpired:
            process.terminate()
            status, in_time = process.wait(), False
        said = _last_lines(output)
    made = {"exit_status": status, "ended_in_time": in_time, "output": said, "path": str(case)}
    made["path_lasts"] = cases.last
    there = (case / "capture.pcapng").exists()
    return made | (answers.overview(_report(str(case), None)) if there else {"headline": "no case"})


def _last_lines(output: Any) -> str:  # noqa: ANN401 - a file without a name has a type without one
    size = output.seek(0, 2)
    output.seek(max(0, size - answers.TEXT))
    lines = output.read().decode(errors="replace").splitlines()[-_LINES:]
    return "\n".join(printable(redact.line(line), 400) for line in lines)


def _report(path: str, keys: list[str] | None) -> api.Report:
    return api.analyze(path, keys or ())


def _asked(answer: Any) -> Answer:  # noqa: ANN401 - narrowed below
    """The answer, or in one sentence why there is none."""
    try:
        made: Answer = answer()
    except (UserError, AbsentError, OSError) as error:
        return {"error": printable(redact.line(str(error)), 400)}
    return made
