"""A case holds the program's traffic, and nobody else's: with other programs at work on the same machine."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from plainwire.case import Case
from tests.end_to_end import misbehaving
from tests.end_to_end.misbehaving import HOST, serving
from tests.end_to_end.recorded import RAISED, record
from tests.needs import needs, tool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.end_to_end.misbehaving import Misbehaving
    from tests.end_to_end.recorded import Recorded

SECRET = b"said by another program"
PATIENCE = 60.0
LEFT = re.compile(r"process (\d+) still runs")


@pytest.fixture(autouse=True)
def _may_capture() -> None:
    needs("root", "curl")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Misbehaving]:
    (tmp_path / "server").mkdir()
    with serving(tmp_path / "server") as running:
        yield running


@pytest.fixture
def chatter() -> Iterator[list[int]]:
    """Another program at work; counts its connections."""
    with misbehaving.chatter(SECRET) as spoken:
        yield spoken


def curl(server: Misbehaving, *faults: str) -> str:
    """A shell's commands: the requests one after the other, by one curl each."""
    words = [tool("curl"), "-s", "-m", "20", "--cacert", server.authority]
    return "; ".join(shlex.join(map(str, [*words, server.url(fault)])) for fault in faults)


def told(report: dict[str, Any]) -> list[object]:
    """What a report says, but for what only the program's own side can tell."""
    findings = [
        (f["code"], f["fault"], f["certainty"], f["claim"], f["exchanges"], f["packets"], f["evidence"])
        for f in report["findings"]
    ]
    exchanges = [(e["request"], e["response"], e["outcome"], e["connection"]) for e in report["exchanges"]]
    connections = [(c["client"], c["server"], c["close"], c["closed_by"]) for c in report["connections"]]
    return [findings, exchanges, connections, report["servers"], report["coverage"]["packets"]]


def assert_only_the_programs(recorded: Recorded, server: Misbehaving) -> None:
    assert recorded.report["connections"]
    assert {c["server"] for c in recorded.report["connections"]} == {f"{HOST}:{server.port}"}
    assert recorded.report["coverage"]["other_packets"] > 0
    assert SECRET not in recorded.case.capture.read_bytes()
    assert told(recorded.of_all_programs().report) == told(recorded.report)


@pytest.mark.parametrize(
    ("faults", "codes"),
    [
        (["ok", "reset", "ok"], {"reset-mid-request"}),
        (["ok", "half-close"], {"response-truncated"}),
        (["busy", "nonsense", "close"], None),
    ],
)
@pytest.mark.usefixtures("chatter")
def test_case_and_its_capture_say_the_same(
    tmp_path: Path, server: Misbehaving, faults: list[str], codes: set[str] | None
) -> None:
    recorded = record(tmp_path, "sh", "-c", curl(server, *faults))
    assert_only_the_programs(recorded, server)
    assert len(recorded.report["exchanges"]) >= len(faults)
    if codes is not None:
        assert codes <= recorded.codes()


@pytest.mark.usefixtures("chatter")
def test_attempts_that_the_kernel_refused(tmp_path: Path) -> None:
    """A blocking connect: the kernel has forgotten the local address when it has failed."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    script = f"import socket; socket.create_connection(('{HOST}', {port}))"
    recorded = record(tmp_path, sys.executable, "-c", script)
    assert recorded.codes() == {"connection-refused"}
    assert [c["server"] for c in recorded.report["connections"]] == [f"{HOST}:{port}"]
    assert [c["program"]["pid"] > 0 for c in recorded.report["connections"]] == [True]
    assert told(recorded.of_all_programs().report) == told(recorded.report)


@pytest.mark.usefixtures("chatter")
def test_a_process_that_is_left_behind_makes_no_connection_of_others_the_programs(
    tmp_path: Path, server: Misbehaving
) -> None:
    recorded = record(tmp_path, "sh", "-c", f"{curl(server, 'ok')}; sleep 60 >/dev/null 2>&1 &")
    left = [int(n) for note in recorded.report["coverage"]["notes"] for n in LEFT.findall(note)]
    for process in left:
        os.kill(process, signal.SIGKILL)
    assert left
    assert_only_the_programs(recorded, server)


@pytest.mark.usefixtures("chatter")
def test_a_program_without_connections_gets_none_of_others(tmp_path: Path) -> None:
    recorded = record(tmp_path, "sleep", "0.3")
    assert recorded.report["connections"] == []
    assert recorded.report["coverage"]["packets"] == 0
    assert SECRET not in recorded.case.capture.read_bytes()


@pytest.mark.usefixtures("chatter")
def test_with_keep_all_everything_stays_and_the_report_says_so(tmp_path: Path, server: Misbehaving) -> None:
    recorded = record(tmp_path, "sh", "-c", curl(server, "ok", "reset"), options=["--keep-all"])
    assert {c["server"] for c in recorded.report["connections"]} == {f"{HOST}:{server.port}"}
    assert SECRET in recorded.case.capture.read_bytes()
    assert any("--keep-all" in note for note in recorded.report["coverage"]["notes"])


def test_of_a_program_whose_sockets_cannot_be_seen_everything_stays_and_the_report_says_so(
    tmp_path: Path, chatter: list[int]
) -> None:
    source = tmp_path / "static.c"
    source.write_text("#include <unistd.h>\nint main(void) { usleep(300000); }\n")
    subprocess.run([tool("gcc"), "-static", "-o", tmp_path / "static", source], check=True, timeout=120)
    before = chatter[0]
    recorded = record(tmp_path, tmp_path / "static")
    assert chatter[0] > before
    assert SECRET in recorded.case.capture.read_bytes()
    assert any("could not be seen" in note for note in recorded.report["coverage"]["notes"])


def test_a_kill_leaves_the_old_capture_or_the_new_one(tmp_path: Path, chatter: list[int]) -> None:
    """And after one while the program ran the case shows only what is the program's."""
    case = Case(tmp_path / "case")
    command = [sys.executable, "-m", "plainwire", "run", "-o", str(case.folder), "--", "sleep", "60"]
    running = subprocess.Popen(command)
    deadline = time.monotonic() + PATIENCE
    while not case.program.exists() or b"start" not in case.program.read_bytes():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    before = chatter[0]
    while chatter[0] < before + 10:
        time.sleep(0.01)
    started = json.loads(case.program.read_text().splitlines()[0])
    running.kill()
    running.wait(PATIENCE)
    subprocess.run(["kill", str(started["pid"])], check=False)
    done = subprocess.run(
        [sys.executable, "-m", "plainwire", "analyze", "--json", str(case.folder)],
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert json.loads(done.stdout)["connections"] == []


def test_what_the_client_says_is_what_the_case_says(
    tmp_path: Path, server: Misbehaving, chatter: list[int]
) -> None:
    """Twelve requests beside the other program: none is missing, none is too many."""
    recorded = record(tmp_path, "sh", "-c", curl(server, *["ok"] * 12))
    assert chatter[0] > 0
    assert RAISED.findall(recorded.stdout) == []
    assert [e["response"]["status"] for e in recorded.report["exchanges"]] == [200] * 12
