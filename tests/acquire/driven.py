"""Clients that run already, and do what they are told when they are told (``clients/driven.*``)."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.acquire.conftest import CLIENTS
from tests.needs import needs, tool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KINDS = ["python", "node", "go", "ruby", "curl_cffi", "pyopenssl", "awscrt", "nss"]


class Driven:
    """A running client."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process, self.pid = process, process.pid
        assert self._answer() == "ready"

    def do(self, word: str) -> str:
        """Make it do ``new`` or ``again``; the status of the answer that it got."""
        assert self.process.stdin is not None
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@contextlib.contextmanager
def driven(kind: str, port: int, folder: Path, *, user: int | None = None) -> Iterator[Driven]:
    """Run a client until the block ends; ``folder`` is for what has to be built."""
    process = subprocess.Popen(
        _command(kind, port, folder),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        user=user,
    )
    try:
        yield Driven(process)
    finally:
        process.kill()
        process.communicate()


def _command(kind: str, port: int, folder: Path) -> list[str]:
    match kind:
        case "node" | "ruby" | "java":
            script = {"node": "driven.js", "ruby": "driven.rb", "java": "Driven.java"}[kind]
            return [tool(kind), str(CLIENTS / script), str(port)]
        case "go":
            made = folder / "driven-in-go"
            if not made.exists():
                environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-p=1"}
                command = [tool("go"), "build", "-ldflags", "-s -w", "-o", str(made), "."]
                subprocess.run(
                    command, cwd=CLIENTS / "driven_in_go", env=environment, check=True, timeout=540
                )
            return [str(made), str(port)]
        case "nss":
            needs("tstclnt")
            return [sys.executable, str(CLIENTS / "with_nss.py"), str(port), "told"]
        case "python":
            return [sys.executable, str(CLIENTS / "driven.py"), str(port)]
    return [sys.executable, str(CLIENTS / "driven.py"), str(port), kind]
