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
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from plainwire.acquire import kernel_sockets
from plainwire.case import Case
from tests.end_to_end import misbehaving, networks
from tests.end_to_end.misbehaving import HOST, serving
from tests.end_to_end.recorded import RAISED, record
from tests.needs import needs, tool, without

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
        (f["code"], f["fault"], f["certainty"], f["claim"], f["exchanges"], f["packets"], seen(f["evidence"]))
        for f in report["findings"]
    ]
    exchanges = [(e["request"], e["response"], e["outcome"], e["connection"]) for e in report["exchanges"]]
    connections = [(c["client"], c["server"], c["close"], c["closed_by"]) for c in report["connections"]]
    return [findings, exchanges, connections, report["servers"], report["coverage"]["packets"]]


def seen(evidence: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Without what this machine's kernel said while the program ran."""
    return [e for e in evidence if "kernel says why" not in e["says"]]


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


@pytest.mark.usefixtures("_told_of_datagrams")
def test_what_others_ask_name_servers_does_not_stay(tmp_path: Path) -> None:
    """Questions in vain, which the program might have asked."""
    head, rest = b"\0\1\1\0\0\1\0\0\0\0\0\0", b"\7example\0\0\1\0\1"
    own, foreign = head + b"\7in-vain" + rest, head + b"\x09of-others" + rest
    over = threading.Event()

    def ask() -> None:
        with socket.socket(type=socket.SOCK_DGRAM) as asking:
            while not over.wait(0.01):
                asking.sendto(foreign, (HOST, 53))

    asking = threading.Thread(target=ask)
    asking.start()
    script = f"import socket; socket.socket(type=socket.SOCK_DGRAM).sendto({own!r}, ('{HOST}', 53))"
    recorded = record(tmp_path, sys.executable, "-c", script)
    over.set()
    asking.join(PATIENCE)
    kept = recorded.case.capture.read_bytes()
    assert (b"in-vain" in kept, b"of-others" in kept) == (True, False)


@pytest.mark.usefixtures("chatter")
def test_with_keep_all_everything_stays_and_the_report_says_so(tmp_path: Path, server: Misbehaving) -> None:
    recorded = record(tmp_path, "sh", "-c", curl(server, "ok", "reset"), options=["--keep-all"])
    assert {c["server"] for c in recorded.report["connections"]} == {f"{HOST}:{server.port}"}
    assert SECRET in recorded.case.capture.read_bytes()
    assert any("--keep-all" in note for note in recorded.report["coverage"]["notes"])


STATIC = r"""
#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
/* Asks ADDRESS PORT for /fault in clear text, if a port is named, and waits for the answer's end. */
int main(int count, char **words)
{
    char answer[1000];
    const char request[] = "GET /object HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(count > 2 ? atoi(words[2]) : 0)};
    const int connection = socket(AF_INET, SOCK_STREAM, 0);
    usleep(300000);
    if (count < 3 || inet_pton(AF_INET, words[1], &to.sin_addr) != 1)
        return 0;
    if (connect(connection, (struct sockaddr *)&to, sizeof to) != 0)
        return 7;
    if (write(connection, request, sizeof request - 1) < 0)
        return 8;
    while (read(connection, answer, sizeof answer) > 0)
        ;
    return 0;
}
"""
"""A program that nothing of plainwire's is in."""
NO_TRACING = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"]
"""Puts a program where the kernel does not tell of sockets."""


@pytest.fixture
def static(tmp_path: Path) -> Path:
    (tmp_path / "static.c").write_text(STATIC)
    command = [tool("gcc"), "-static", "-o", str(tmp_path / "static"), str(tmp_path / "static.c")]
    subprocess.run(command, check=True, timeout=120)
    return tmp_path / "static"


@pytest.fixture
def _traced() -> None:
    """The kernel tells of sockets."""
    witness = kernel_sockets.watch()
    if witness is None:
        without("tracepoints, as root", part_of_the_judgement=False)
    witness.stop()


@pytest.fixture
def _told_of_datagrams() -> None:
    """The kernel tells what a program sends by UDP, and the C library asks name servers itself."""
    witness = kernel_sockets.watch()
    told = None if witness is None else witness.sent()
    if witness is not None:
        witness.stop()
    if told is None:
        without("tracepoints of Linux 6.3, as root", part_of_the_judgement=False)


def test_of_a_program_whose_sockets_cannot_be_seen_everything_stays_and_the_report_says_so(
    tmp_path: Path, static: Path, chatter: list[int]
) -> None:
    needs("setpriv")
    before = chatter[0]
    recorded = record(tmp_path, static, inside=NO_TRACING)
    assert chatter[0] > before
    assert SECRET in recorded.case.capture.read_bytes()
    assert any("could not be seen" in note for note in recorded.report["coverage"]["notes"])


@pytest.mark.parametrize("started", ["alone", "by a shell"])
@pytest.mark.usefixtures("chatter", "_traced")
def test_the_kernel_tells_of_a_static_programs_connections(
    tmp_path: Path, static: Path, started: str
) -> None:
    with socket.create_server((HOST, 0)) as listener:
        listener.settimeout(PATIENCE)
        port = listener.getsockname()[1]
        answering = threading.Thread(target=_answer_once, args=(listener,))
        answering.start()
        words = [static, HOST, port]
        recorded = record(
            tmp_path, *(words if started == "alone" else ["sh", "-c", shlex.join(map(str, words))])
        )
        answering.join(PATIENCE)
    assert recorded.status == 0
    assert [c["server"] for c in recorded.report["connections"]] == [f"{HOST}:{port}"]
    assert [c["program"]["command"] for c in recorded.report["connections"]] == ["static"]
    assert [e["outcome"] for e in recorded.report["exchanges"]] == ["complete"]
    assert SECRET not in recorded.case.capture.read_bytes()
    assert told(recorded.of_all_programs().report) == told(recorded.report)


def _answer_once(listener: socket.socket) -> None:
    peer, _ = listener.accept()
    with peer:
        peer.recv(1000)
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")


@pytest.mark.parametrize("refusal", ["reset", "icmp"])
@pytest.mark.usefixtures("_traced")
def test_attempts_of_a_static_program_that_another_host_refuses(
    tmp_path: Path, static: Path, refusal: str
) -> None:
    with networks.network() as here, networks.network() as there:
        _, host = networks.join(here, there, 0)
        if refusal == "icmp":
            rule = "table ip t { chain c { type filter hook input priority 0; tcp dport 9 reject; }; }\n"
            command = [*map(str, there.inside), tool("nft"), "-f", "-"]
            subprocess.run(command, input=rule, text=True, check=True, timeout=60)
        recorded = record(tmp_path, static, host, 9, inside=here.inside)
    assert recorded.status == 7
    assert [c["server"] for c in recorded.report["connections"]] == [f"{host}:9"]
    assert [c["program"]["command"] for c in recorded.report["connections"]] == ["static"]


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
