"""Every secret of programs in Go, static and not, at any address; and what is left of them alone."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from plainwire.acquire import go_patch, patching
from plainwire.acquire.target import find
from tests.needs import needs, tool

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.acquire.conftest import Run
    from tests.acquire.tls_server import TlsServer

REQUESTS, WORKERS = 200, 20


@pytest.mark.parametrize("build", ["static", "position-independent"])
def test_all_secrets_of_many_connections(
    run: Run, server: TlsServer, built: Callable[[str], Path], build: str
) -> None:
    outcome = run(built(build), str(server.port), str(REQUESTS), str(WORKERS))
    assert (outcome.status, outcome.errors) == (0, "")
    assert outcome.output == f"map[HTTP/1.1 200 OK\r\n:{REQUESTS}]\n"
    assert outcome.keys == server.secrets()
    told = outcome.events.by_client_random
    assert len(told) == REQUESTS
    assert {program.secrets_by for program in told.values()} == {"patch"}
    (note,) = outcome.events.notes
    assert "its TLS is read all the same" in note


def test_program_whose_code_is_not_what_the_file_said_is_left_alone(
    run: Run, server13: TlsServer, built: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the file was replaced in between."""
    program = built("static")
    place = patching.of_go(program)
    assert isinstance(place, patching.KeyLogFunction)
    moved = patching.KeyLogFunction(
        place.function + 64, place.covered, place.labels, place.labels_end, place.code
    )
    monkeypatch.setattr(patching, "of_go", lambda _: moved)
    outcome = run(program, str(server13.port), "1", "1")
    assert (outcome.status, outcome.output, outcome.errors) == (0, "map[HTTP/1.1 200 OK\r\n:1]\n", "")
    assert outcome.keys == set()
    (note,) = outcome.events.notes
    assert note.endswith("its code is not where it should be")


def test_function_is_where_the_symbol_table_says(built: Callable[[str], Path]) -> None:
    listed = subprocess.check_output([tool("nm"), str(built("position-independent"))], text=True)
    (address,) = (
        int(line.split()[0], 16) for line in listed.splitlines() if line.endswith("(*Config).writeKeyLog")
    )
    place = patching.of_go(built("position-independent"))
    assert isinstance(place, patching.KeyLogFunction)
    assert place.function == address


@pytest.mark.parametrize("right", ["set-user-id", "capability"])
def test_program_with_rights_of_its_own_keeps_them(
    run: Run, server13: TlsServer, built: Callable[[str], Path], tmp_path: Path, right: str
) -> None:
    needs("root")
    program = tmp_path / "client"
    program.write_bytes(built("static").read_bytes())
    program.chmod(0o4755 if right == "set-user-id" else 0o755)
    if right == "capability":
        subprocess.run([tool("setcap"), "cap_net_bind_service=ep", str(program)], check=True)
    outcome = run(program, str(server13.port), "1", "1")
    assert (outcome.status, outcome.output) == (0, "map[HTTP/1.1 200 OK\r\n:1]\n")
    assert outcome.keys == set()
    (note,) = outcome.events.notes
    assert "it has rights of its own" in note


def test_program_runs_where_tracing_is_forbidden(
    run: Run, server13: TlsServer, built: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By Yama, or a container's filter: the child asks in vain."""
    monkeypatch.setattr(go_patch.GoPatch, "trace", staticmethod(lambda: None))
    outcome = run(built("static"), str(server13.port), "1", "1")
    assert (outcome.status, outcome.output) == (0, "map[HTTP/1.1 200 OK\r\n:1]\n")
    (note,) = outcome.events.notes
    assert note.endswith("programs may not be traced here")


def test_other_programs_are_not_traced() -> None:
    assert go_patch.prepare(find([tool("curl")])) is None
    assert go_patch.prepare(find(["sh"])) is None
