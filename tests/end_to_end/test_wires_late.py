"""A capture that began late, or took too little of each packet: what can be read is, and the rest is said."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import socket
import ssl
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.end_to_end import wires
from tests.needs import needs, tool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVERS = """
server {
    listen {0} ssl http2;
    ssl_protocols TLSv1.2 TLSv1.3;
    location / { return 200 "an object\\n"; }
}
server {
    listen {1} http2;
    location / { return 200 "an object\\n"; }
}
server {
    listen {2};
    location / { return 200 "an object\\n"; }
}
"""


LAST = b"the last packet"


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[wires.Nginx]:
    needs("root", "tcpdump")
    with wires.nginx(tmp_path / "nginx", SERVERS, hosts=[wires.HOST] * 3) as server:
        yield server


@contextlib.contextmanager
def tcpdump(file: Path, port: int, *options: str) -> Iterator[None]:
    """Capture on the loopback, from its first packet to the last of this block."""
    last = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    last.bind((wires.HOST, 0))
    command = [
        tool("tcpdump"),
        "-i",
        "lo",
        "--immediate-mode",
        "-U",
        "-w",
        str(file),
        *options,
        f"tcp port {port} or udp port {last.getsockname()[1]}",
    ]
    with last, subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        while "listening on" not in process.stderr.readline():
            assert process.poll() is None
        try:
            yield
            for attempt in range(600):
                if attempt % 10 == 0:  # a busy machine may lose one
                    last.sendto(LAST, last.getsockname())
                if LAST in file.read_bytes():
                    return
                time.sleep(0.1)
            pytest.fail("tcpdump has not written the last packet after a minute")
        finally:
            process.terminate()


def context(server: wires.Nginx, keys: Path, maximum: ssl.TLSVersion) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=str(server.papers.authority))
    made.maximum_version = maximum
    made.keylog_filename = str(keys)
    return made


def analyzed(capture: Path, *keys: Path) -> dict[str, Any]:
    """The report."""
    known = [word for file in keys for word in ("-k", str(file))]
    command = [sys.executable, "-m", "plainwire", "analyze", "--json", *known, str(capture)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return dict(json.loads(done.stdout))


def test_tls_1_3_from_mid_connection(nginx: wires.Nginx, tmp_path: Path) -> None:
    """Which secrets of the key log are its own is found by trial."""
    capture, keys = tmp_path / "late.pcap", tmp_path / "keys"
    for label in ("CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"):  # of others
        with keys.open("a") as file:
            file.write(f"{label} {os.urandom(32).hex()} {os.urandom(48).hex()}\n")
    tls = context(nginx, keys, ssl.TLSVersion.TLSv1_3)
    with (
        from_a_high_port(nginx.ports[0]) as plain,
        tls.wrap_socket(plain, server_hostname="localhost") as client,
    ):
        ask(client, "/before")
        with tcpdump(capture, nginx.ports[0]):
            ask(client, "/after")
    report = analyzed(capture, keys)
    assert [(e["request"]["target"], e["response"]["status"], e["outcome"]) for e in report["exchanges"]] == [
        ("/after", 200, "complete")
    ]
    assert report["coverage"]["mid_stream"] == [1]
    assert report["coverage"]["undecrypted"] == []
    assert report["findings"] == []


def from_a_high_port(port: int) -> socket.socket:
    """A connection whose client has the higher port, as with services: of a capture that begins late, and is
    encrypted, nothing else tells who is who.
    """
    while True:
        with contextlib.suppress(OSError):
            own = random.randrange(61_000, 65_536)
            return socket.create_connection(
                ("127.0.0.1", port), timeout=60, source_address=("127.0.0.1", own)
            )


def ask(connection: ssl.SSLSocket, target: str) -> None:
    """Send a request, and read its answer."""
    connection.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    answer.read()
    assert answer.status == 200


def test_tls_1_2_from_mid_connection_says_that_the_handshake_is_lacking(
    nginx: wires.Nginx, tmp_path: Path
) -> None:
    capture, keys = tmp_path / "late.pcap", tmp_path / "keys"
    tls = context(nginx, keys, ssl.TLSVersion.TLSv1_2)
    with httpx.Client(http2=True, verify=tls, trust_env=False) as client:
        assert client.get(nginx.url("/before")).status_code == 200
        with tcpdump(capture, nginx.ports[0]):
            assert client.get(nginx.url("/after")).status_code == 200
    report = analyzed(capture, keys)
    assert report["exchanges"] == []
    assert report["coverage"]["mid_stream"] == [1]
    assert report["coverage"]["undecrypted"] == [{"connection": 1, "reason": "handshake not captured"}]


def test_http2_in_clear_text_from_mid_connection(nginx: wires.Nginx, tmp_path: Path) -> None:
    capture = tmp_path / "late.pcap"
    with httpx.Client(http1=False, http2=True, trust_env=False) as client:
        assert client.get(nginx.url("/before", number=1, scheme="http")).status_code == 200
        with tcpdump(capture, nginx.ports[1]):
            for target in ("/first", "/second"):
                assert client.get(nginx.url(target, number=1, scheme="http")).status_code == 200
    report = analyzed(capture)
    assert [
        (e["protocol"], e["request"]["method"], e["request"]["target"], e["response"]["status"], e["outcome"])
        for e in report["exchanges"]
    ] == [("h2", "GET", "/first", 200, "complete"), ("h2", "GET", "/second", 200, "complete")]
    for exchange in report["exchanges"]:  # :authority and others stand in a table that was not captured
        assert exchange["request"]["authority"] is None
        (defect,) = exchange["request"]["defects"]
        assert defect.startswith("header table unknown: the capture began in mid-connection")
    assert report["coverage"]["mid_stream"] == [1]


def test_http1_in_clear_text_from_mid_connection(nginx: wires.Nginx, tmp_path: Path) -> None:
    capture = tmp_path / "late.pcap"
    with httpx.Client(trust_env=False) as client:
        assert client.get(nginx.url("/before", number=2, scheme="http")).status_code == 200
        with tcpdump(capture, nginx.ports[2]):
            for target in ("/first", "/second"):
                assert client.get(nginx.url(target, number=2, scheme="http")).status_code == 200
    report = analyzed(capture)
    assert [(e["request"]["target"], e["response"]["status"], e["outcome"]) for e in report["exchanges"]] == [
        ("/first", 200, "complete"),
        ("/second", 200, "complete"),
    ]
    assert report["coverage"]["mid_stream"] == [1]
    assert report["findings"] == []


def test_packets_that_were_cut_by_the_snap_length(nginx: wires.Nginx, tmp_path: Path) -> None:
    capture, keys = tmp_path / "cut.pcap", tmp_path / "keys"
    tls = context(nginx, keys, ssl.TLSVersion.TLSv1_3)
    with (
        tcpdump(capture, nginx.ports[0], "-s", "200"),
        httpx.Client(verify=tls, trust_env=False) as client,
    ):
        assert client.get(nginx.url("/object")).status_code == 200
    report = analyzed(capture, keys)
    assert report["exchanges"] == []
    ((connection, reason),) = (unread.values() for unread in report["coverage"]["undecrypted"])
    assert connection == 1
    assert reason.endswith("packets were cut by the snap length")
