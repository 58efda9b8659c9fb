"""What the kernel tells of connections that failed: the second source is the wire, read by tshark."""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from plainwire.acquire import kernel_sockets
from tests.end_to_end.misbehaving import serving
from tests.end_to_end.recorded import record
from tests.needs import needs, tool, without
from tests.users import USER, home, open_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.case import Case
    from tests.end_to_end.recorded import Recorded

__all__ = ["home", "open_folder"]

CLIENTS = Path(__file__).parent / "clients"
HOST = "127.0.0.1"
FAILURES = 1000
PATIENCE = 60


@pytest.fixture
def resetting() -> Iterator[int]:
    """By the first byte: (a) reads it and resets, (b) resets without reading the rest, (c) with its window
    full, (d) answers, then resets. The port.
    """

    def serve(listener: socket.socket) -> None:
        try:
            while True:
                connection, _ = listener.accept()
                connection.settimeout(PATIENCE)
                kind = connection.recv(1)
                if kind == b"a":
                    connection.recv(65536)
                elif kind == b"c":
                    connection.recv(65536, socket.MSG_WAITALL)
                elif kind == b"d":
                    connection.sendall(b"some answer")
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()
        except OSError:
            return

    with socket.create_server((HOST, 0), backlog=64) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(PATIENCE)


def last_acknowledged(case: Case, port: int) -> list[tuple[str, int]]:
    """Of each connection its client, and the last ACK of the server's that was no RST, from the SYN on."""
    words = [tool("tshark"), "-n", "-r", case.capture, "-T", "fields", "-Y"]
    words += [f"tcp.srcport == {port} && tcp.flags.reset == 0 && tcp.flags.ack == 1"]
    words += ["-e", "tcp.stream", "-e", "tcp.dstport", "-e", "tcp.ack"]
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, check=True, timeout=120)
    found: dict[int, tuple[str, int]] = {}
    for line in done.stdout.splitlines():
        stream, client, acknowledged = map(int, line.split("\t"))
        found[stream] = f"{HOST}:{client}", max(acknowledged, found.get(stream, ("", 0))[1])
    return [found[stream] for stream in sorted(found)]


def told_by(case: Case, kind: str) -> list[tuple[str, int]]:
    """Of each connection what the last event of a kind says. Ports are used again."""
    found: list[tuple[str, int]] = []
    for event in map(json.loads, case.program.read_text().splitlines()):
        if event["event"] == "connect":
            found.append(("", 0))
        elif event["event"] == kind and "acked" in event:
            found[-1] = event["local"], event["acked"]
    return found


def test_bytes_acknowledged_at_errors_are_those_of_the_last_ack_on_the_wire(
    tmp_path: Path, resetting: int
) -> None:
    recorded = record(
        tmp_path, sys.executable, CLIENTS / "many_failures.py", resetting, FAILURES, patience=280
    )
    wire = last_acknowledged(recorded.case, resetting)
    assert len(wire) == FAILURES
    assert told_by(recorded.case, "error") == wire
    assert told_by(recorded.case, "close") == wire


def reasons_are_told() -> None:
    """Skip where the kernel tells nobody, or us not."""
    needs("root")
    witness = kernel_sockets.watch()
    if witness is None:
        without("tracepoints, as root", part_of_the_judgement=False)
    with socket.socket() as bound, socket.socket() as refused:
        bound.bind((HOST, 0))
        refused.connect_ex(bound.getsockname())
    told = witness.resets()
    witness.stop()
    if not any(reset.reason for reset in told):
        without("a kernel that tells the reasons of resets", part_of_the_judgement=False)


@pytest.fixture
def aborted(tmp_path: Path) -> Iterator[list[object]]:
    """The command of a program that resets a connection, and is refused another."""
    (tmp_path / "server").mkdir()
    with serving(tmp_path / "server") as server, socket.socket() as bound:
        bound.bind((HOST, 0))
        ports = server.plain_port, bound.getsockname()[1]
        yield [sys.executable, CLIENTS / "aborting.py", HOST, *ports]


def told_of(recorded: Recorded) -> dict[str, list[str]]:
    """By finding: what the kernel says there of resets."""
    return {
        finding["code"]: [e["says"] for e in finding["evidence"] if "kernel says why" in e["says"]]
        for finding in recorded.report["findings"]
    }


def test_each_reset_of_a_findings_connections_has_the_kernels_reason(
    tmp_path: Path, aborted: list[object]
) -> None:
    reasons_are_told()
    recorded = record(tmp_path, *aborted)
    connections = {c["id"]: c for c in recorded.report["connections"]}
    told = told_of(recorded)
    for finding in recorded.report["findings"]:
        closes = [close for number in finding["connections"] for close in connections[number]["closes"]]
        sides = {close["from"] for close in closes if close["kind"] == "rst"}
        cited = told[finding["code"]]
        assert {side for side in ("client", "server") if any(f"the {side}'s" in c for c in cited)} == sides
    meant = "the {}'s kernel says why it reset: {}"
    every = [each for cited in told.values() for each in cited]
    assert any(each.startswith(meant.format("server", "NO_SOCKET, no socket was there")) for each in every)
    assert any(each.startswith(meant.format("client", "TCP_ABORT_ON_CLOSE, its program")) for each in every)


CAPTURING = "+net_raw,+net_admin,+dac_read_search"
"""What another user needs: the packets, and to read what the tests run wherever that lies."""
UNPRIVILEGED = {
    "root without the right": ("--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin"),
    "another user": (
        *(f"--reuid={USER}", f"--regid={USER}", "--clear-groups"),
        *("--inh-caps", CAPTURING, "--ambient-caps", CAPTURING),
    ),
}


@pytest.mark.parametrize("who", UNPRIVILEGED)
def test_without_the_right_to_trace_nothing_is_missing_but_the_line(
    home: Path, aborted: list[object], who: str
) -> None:
    program = ["/usr/bin/env", *aborted]  # access(2), which looks for it, knows no capabilities
    recorded = record(home, *program, inside=[tool("setpriv"), *UNPRIVILEGED[who]])
    assert recorded.case.report_json.stat().st_uid == (USER if who == "another user" else 0)
    told = told_of(recorded)
    assert told["connection-refused"] == []
    assert list(told.values()) == [[], []]


def test_reason_of_a_reset_is_in_the_evidence_where_the_kernel_tells_it(tmp_path: Path) -> None:
    reasons_are_told()
    (tmp_path / "server").mkdir()
    with serving(tmp_path / "server") as server:
        client = CLIENTS / "one_request.py"
        recorded = record(
            tmp_path, sys.executable, client, "http.client", server.url("reset"), server.authority
        )
    (finding,) = (f for f in recorded.report["findings"] if f["failure"])
    (says,) = (each["says"] for each in finding["evidence"] if "kernel says why" in each["says"])
    assert says.startswith(
        "the server's kernel says why it reset: TCP_STATE, its program ended the connection"
    )
