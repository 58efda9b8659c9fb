"""A server to talk to, and a way to run a program under the interposer and see all that came of it."""

from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest

from plainwire import case
from plainwire.acquire import events
from plainwire.acquire.launch import launch
from tests import own_network
from tests.acquire.tls_server import TlsServer, key_lines, tls_server
from tests.needs import tool, without

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from plainwire.case import Case
    from plainwire.model import ProgramEvents

CLIENTS = Path(__file__).with_name("clients")
STARTING = Path(__file__).parents[2] / "bench" / "attack" / "programs" / "starting_go"
OLDEST_GO = Path("/usr/lib/go-1.19/bin/go")
GO_PROGRAMS = {
    "static": (CLIENTS / "in_go", "-ldflags", "-s -w"),
    "position-independent": (CLIENTS / "in_go", "-buildmode=pie"),
    "oldest": (CLIENTS / "in_go",),
    "starting": (STARTING,),
}
"""The folder of each, and how it is linked."""


def openssl_1_0(folder: Path) -> Path:
    """Libssl 1.0.2 of an old wheel, fetched into ``folder``."""
    wheel = ["psycopg2-binary==2.7.7", "--no-deps", "--only-binary=:all:", "--python-version=3.7"]
    if not own_network.fetches([sys.executable, "-m", "pip", "download", "-q", *wheel], where=folder):
        without("pip could not fetch psycopg2-binary 2.7.7", part_of_the_judgement=False)
    shutil.unpack_archive(next(folder.glob("*.whl")), folder / "wheel", "zip")
    return next(folder.glob("wheel/*/.libs/libssl*.so.1.0.2*"))


@dataclass(frozen=True)
class Outcome:
    """What a program did under the interposer, and what the interposer wrote."""

    status: int
    output: str
    errors: str
    case: Case

    @property
    def keys(self) -> set[str]:
        return key_lines(self.case.keys)

    @property
    def events(self) -> ProgramEvents:
        return events.read(self.case.program)

    def lines(self, kind: str) -> list[str]:
        """Lines of ``program.jsonl`` for one kind of event."""
        return [line for line in self.case.program.read_text().splitlines() if f'"event": "{kind}"' in line]


class Run(Protocol):
    def __call__(self, *command: str | Path) -> Outcome: ...


@pytest.fixture
def run(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    """Run a command under the interposer in a new case; to its end."""

    def start(*command: str | Path) -> Outcome:
        made = case.create(tmp_path / f"case{len(list(tmp_path.glob('case*')))}")
        capfd.readouterr()
        program = launch([str(word) for word in command], made)
        try:
            status = program.wait(120)
        finally:
            if program.poll() is None:
                program.send_signal(9)
                program.wait(60)
            program.finish()
        output, errors = capfd.readouterr()
        return Outcome(status, output, errors, made)

    return start


@pytest.fixture(params=[ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["tls12", "tls13"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TlsServer]:
    """A server for each version of TLS."""
    with tls_server(tmp_path, request.param) as running:
        yield running


@pytest.fixture
def server13(tmp_path: Path) -> Iterator[TlsServer]:
    """A server, where the version makes no difference."""
    with tls_server(tmp_path) as running:
        yield running


def python(client: str, server: TlsServer, *more: str) -> list[str]:
    """The command that runs ``clients/CLIENT.py`` against ``server``."""
    return [sys.executable, str(CLIENTS / f"{client}.py"), str(server.port), str(server.certificate), *more]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A way to build a program in Go; each is built once."""
    folder = tmp_path_factory.mktemp("go")

    def build(name: str) -> Path:
        made = folder / name
        if not made.exists():
            source, *options = GO_PROGRAMS[name]
            environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-p=1"}
            go = tool(str(OLDEST_GO) if name == "oldest" else "go")
            command = [go, "build", *map(str, options), "-o", str(made), "."]
            subprocess.run(command, cwd=source, env=environment, check=True, timeout=540)
        return made

    return build
