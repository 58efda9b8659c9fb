"""What the kernel tells of connections that failed: the second source is the wire, read by tshark."""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
import threading
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from plainwire.acquire import kernel_sockets
from tests.end_to_end.misbehaving import serving
from tests.end_to_end.recorded import record
from tests.needs import needs, tool, without

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.case import Case

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


def last_acknowledged(case: Case, port: int) -> dict[str, int]:
    """By the client's end: the last ACK of the server's that was no RST, relative to the client's SYN."""
    fields = ("tcp.dstport", "tcp.ack")
    words = [tool("tshark"), "-n", "-r", case.capture, "-T", "fields", "-Y"]
    words += [f"tcp.srcport == {port} && tcp.flags.reset == 0 && tcp.flags.ack == 1"]
    words += [word for field in fields for word in ("-e", field)]
    done = subprocess.run([str(w) for w in words], capture_output=True, text=True, check=True, timeout=120)
    found: defaultdict[str, int] = defaultdict(int)
    for line in done.stdout.splitlines():
        client, acknowledged = line.split("\t")
        found[f"{HOST}:{client}"] = max(found[f"{HOST}:{client}"], int(acknowledged))
    return found


def test_bytes_acknowledged_at_errors_are_those_of_the_last_ack_on_the_wire(
    tmp_path: Path, resetting: int
) -> None:
    recorded = record(tmp_path, sys.executable, CLIENTS / "many_failures.py", resetting, FAILURES)
    events = [json.loads(line) for line in recorded.case.program.read_text().splitlines()]
    told = {e["local"]: e["acked"] for e in events if e["event"] == "error" and "acked" in e}
    wire = last_acknowledged(recorded.case, resetting)
    assert len(told) == FAILURES
    assert told == {local: wire[local] for local in told}
    closes = {e["local"]: e["acked"] for e in events if e["event"] == "close" and e["local"] in told}
    assert closes == told


def test_reason_of_a_reset_is_in_the_evidence_where_the_kernel_tells_it(tmp_path: Path) -> None:
    needs("root")
    witness = kernel_sockets.watch()
    if witness is None:
        without("tracepoints, as root", part_of_the_judgement=False)
    witness.stop()
    (tmp_path / "server").mkdir()
    with serving(tmp_path / "server") as server:
        client = CLIENTS / "one_request.py"
        recorded = record(
            tmp_path, sys.executable, client, "http.client", server.url("reset"), server.authority
        )
    (finding,) = (f for f in recorded.report["findings"] if f["failure"])
    resets = [line for line in recorded.case.program.read_text().splitlines() if '"reset"' in line]
    if not any(json.loads(line)["reason"] for line in resets):
        without("a kernel that tells the reasons of resets", part_of_the_judgement=False)
    (says,) = (each["says"] for each in finding["evidence"] if "kernel says why" in each["says"])
    assert says.startswith(
        "the server's kernel says why it reset: TCP_STATE, its program ended the connection"
    )
