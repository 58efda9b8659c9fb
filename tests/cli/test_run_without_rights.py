"""``plainwire run`` by a user who may not capture packets, and has no dumpcap: by a socket trace."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from plainwire import case as cases
from plainwire import pipeline, reading
from plainwire.acquire import stub
from plainwire.keys import lines_of
from plainwire.lab import scenarios, truth
from plainwire.lab.play import PlayFiles
from tests.acquire.conftest import CLIENTS, built
from tests.acquire.tls_server import tls_server
from tests.end_to_end.misbehaving import serving
from tests.needs import needs, tool
from tests.users import WITHOUT_RIGHTS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from plainwire.model import Report
    from tests.acquire.tls_server import TlsServer

__all__ = ["built"]


def run(
    case: Path, *command: object, options: tuple[str, ...] = (), **environment: str
) -> subprocess.CompletedProcess[str]:
    needs("root", "setpriv")
    whole = [*WITHOUT_RIGHTS, sys.executable, "-m", "plainwire", "run", *options, "-o", case, "--", *command]
    return subprocess.run(
        [str(word) for word in whole],
        env={**os.environ, "NODE_TLS_REJECT_UNAUTHORIZED": "0", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def report_of(case: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((case / "report.json").read_text())
    return report


def api_report(case: Path) -> Report:
    return reading.analyze(cases.Case(case))


def client(kind: str, server: TlsServer) -> list[object]:
    match kind:
        case "curl":
            return [tool("curl"), "-sk", server.url, server.url]
        case "node":
            return [tool("node"), CLIENTS / "in_node.js", server.port, server.certificate]
        case "aiohttp":
            return [sys.executable, CLIENTS / "with_aiohttp.py", server.port, server.certificate]
    return [sys.executable, CLIENTS / "plain_http.py", server.port, server.certificate]


@pytest.mark.parametrize("kind", ["python", "curl", "node", "aiohttp"])
def test_whole_exchanges_are_had_of_the_program_s_own_calls(kind: str, tmp_path: Path) -> None:
    case = tmp_path / "case"
    with tls_server(tmp_path) as server:
        done = run(case, *client(kind, server))
        truth = server.secrets()
        served = len(server.peers)
    report = report_of(case)
    assert done.returncode == 0, done.stderr
    assert served > 0
    assert [(each["response"]["status"], each["outcome"]) for each in report["exchanges"]] == [
        (200, "complete")
    ] * served, done.stderr
    assert report["coverage"]["evidence"] == "sockets"
    assert report["coverage"]["undecrypted"] == report["coverage"]["mid_stream"] == report["findings"] == []
    assert "Evidence: socket trace. There was no right to capture packets" in " ".join(done.stderr.split())
    assert {each["client"] for each in report["connections"]} == set(server.peers)
    assert all(each["round_trip"] is not None for each in report["connections"])
    assert truth <= {line.decode().strip() for line in lines_of([case / "capture.pcapng"])}
    assert sorted(path.name for path in case.iterdir()) == [
        "capture.pcapng",
        "program.jsonl",
        "report.html",
        "report.index",
        "report.json",
    ]


@pytest.mark.parametrize("kind", ["python", "curl", "node", "go"])
def test_whole_exchanges_are_had_by_a_dumpcap_that_may_capture(
    kind: str, built: Callable[[str], Path], tmp_path: Path
) -> None:
    """As where the user is in the group that may run it: it has rights, and plainwire has none."""
    needs("dumpcap", "setcap")
    capable = tmp_path / "bin" / "dumpcap"
    capable.parent.mkdir()
    shutil.copy(tool("dumpcap"), capable)
    subprocess.run([tool("setcap"), "cap_net_raw,cap_net_admin+eip", capable], check=True)
    case, path = tmp_path / "case", f"{capable.parent}:{os.environ['PATH']}"
    with tls_server(tmp_path) as server:
        command = [built("static"), server.port, "3", "1"] if kind == "go" else client(kind, server)
        done = run(case, *command, options=("-v",), PATH=path)
        served = len(server.peers)
    report = report_of(case)
    assert done.returncode == 0, done.stderr
    assert "packets captured with dumpcap" in done.stderr
    assert report["coverage"]["evidence"] == "packets"
    assert [(each["response"]["status"], each["outcome"]) for each in report["exchanges"]] == [
        (200, "complete")
    ] * served, done.stderr
    assert served > 0


@pytest.mark.parametrize("build", ["static", "position-independent", "oldest"])
def test_whole_exchanges_are_had_of_a_go_program_s_own_calls(
    build: str, built: Callable[[str], Path], tmp_path: Path
) -> None:
    """Which makes its system calls by itself: stripped, at any address, by the oldest Go that is known."""
    case = tmp_path / "case"
    with tls_server(tmp_path) as server:
        done = run(case, built(build), server.port, "40", "8")
        truth = server.secrets()
    report = report_of(case)
    assert (done.returncode, done.stdout) == (0, "map[HTTP/1.1 200 OK\n:40]\n"), done.stderr
    assert [(each["response"]["status"], each["outcome"]) for each in report["exchanges"]] == [
        (200, "complete")
    ] * 40, done.stderr
    assert report["coverage"]["evidence"] == "sockets"
    assert report["coverage"]["undecrypted"] == report["coverage"]["mid_stream"] == report["findings"] == []
    assert {each["client"] for each in report["connections"]} == set(server.peers)
    assert {each["program"]["command"] for each in report["connections"]} == {build}
    assert truth <= {line.decode().strip() for line in lines_of([case / "capture.pcapng"])}


def test_go_program_that_another_starts_is_traced_too(built: Callable[[str], Path], tmp_path: Path) -> None:
    case = tmp_path / "case"
    with tls_server(tmp_path) as server:
        done = run(case, "sh", "-c", f"curl -sk {server.url}; {built('static')} {server.port} 3 1; exit 0")
        ports = set(server.peers)
    report = report_of(case)
    assert [each["outcome"] for each in report["exchanges"]] == ["complete"] * 4, done.stderr
    assert {each["client"] for each in report["connections"]} == ports
    assert {each["program"]["command"] for each in report["connections"]} == {"curl", "static"}


@pytest.mark.parametrize("fault", ["reset", "half-reset", "close"])
def test_failures_of_a_go_program_have_the_codes_of_another_s(
    fault: str, built: Callable[[str], Path], tmp_path: Path
) -> None:
    found: dict[str, set[tuple[str, str]]] = {}
    with serving(tmp_path) as server:
        commands: dict[str, list[object]] = {
            "curl": [tool("curl"), "-sk", server.url(fault)],
            "go": [built("static"), server.port, 1, 1, fault],
        }
        for name, command in commands.items():
            run(tmp_path / name, *command)
            findings = report_of(tmp_path / name)["findings"]
            found[name] = {(each["code"], each["certainty"]) for each in findings}
    assert found["go"] == found["curl"]
    assert found["go"]
    assert "proved" not in {certainty for _, certainty in found["go"]}


def test_go_program_whose_calls_are_not_known_needs_packets(
    built: Callable[[str], Path], tmp_path: Path
) -> None:
    """As of an older Go: the instructions of its function are others."""
    program = tmp_path / "other"
    code = stub.CALLS + bytes.fromhex("483d01f0ffff")
    program.write_bytes(built("static").read_bytes().replace(code, bytes(len(code))))
    program.chmod(0o755)
    done = run(tmp_path / "case", program, "1")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "where it makes its system calls is not known" in done.stderr


def test_capture_alone_says_what_it_was_made_of(tmp_path: Path) -> None:
    with tls_server(tmp_path) as server:
        run(tmp_path / "case", *client("curl", server))
    report = pipeline.analyze([tmp_path / "case" / "capture.pcapng"])
    assert report.coverage.evidence == "sockets"
    assert [connection.from_sockets for connection in report.connections] == [True]


def test_what_was_traced_until_plainwire_was_killed_is_kept(tmp_path: Path) -> None:
    needs("root", "setpriv")
    case = tmp_path / "case"
    with tls_server(tmp_path) as server:
        again = f"curl -sk {server.url}; kill -9 $PPID; curl -sk {server.url}"
        run(case, "sh", "-c", again)
        until = time.monotonic() + 60
        while (case / "sockets.trace").exists() and time.monotonic() < until:
            time.sleep(0.05)
    report = api_report(case)
    assert report.coverage.evidence == "sockets"
    assert [each.outcome for each in report.exchanges][:1] == ["complete"]


def test_program_whose_sockets_cannot_be_traced_is_not_started(tmp_path: Path) -> None:
    source = tmp_path / "static.c"
    source.write_text('#include <stdio.h>\nint main(void) { fopen("started", "w"); return 0; }\n')
    subprocess.run([tool("gcc"), "-static", "-o", tmp_path / "static", source], check=True)
    done = run(tmp_path / "case", tmp_path / "static")
    assert done.returncode == 2
    assert done.stderr.startswith("plainwire: no right to capture packets: ")
    assert "its sockets cannot be traced instead: " in done.stderr
    assert "is statically linked" in done.stderr
    assert done.stderr.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"static.c", "static"}


def test_packets_are_asked_for_and_may_not_be_had(tmp_path: Path) -> None:
    done = run(tmp_path / "case", "true", options=("--via", "libpcap"))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith("plainwire: no right to capture packets with libpcap")


PLAY = """
import sys
from pathlib import Path
from plainwire.lab import play, scenarios
play.play(scenarios.find(sys.argv[1]), play.PlayFiles(Path(sys.argv[2])), options=["--via", "sockets"])
"""


@pytest.mark.parametrize("name", ["reset-mid-request", "keepalive-idle-race"])
def test_demo_s_scenarios_get_the_right_codes_and_nothing_is_proved(name: str, tmp_path: Path) -> None:
    needs("root")
    scenario, stage = scenarios.find(name), PlayFiles(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", PLAY, name, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    score = truth.score(scenario, stage)
    assert score.problems == [], done.stdout
    findings = report_of(stage.case.folder)["findings"]
    assert {each["code"] for each in findings} == set(scenario.expects)
    assert "proved" not in {each["certainty"] for each in findings}
    assert "Evidence: socket trace" in done.stdout
