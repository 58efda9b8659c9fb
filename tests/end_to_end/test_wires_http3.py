"""HTTP/3: aioquic asks hypercorn, held against hypercorn's access log and the client's own words.

The interposer reaches neither (QUIC's TLS is written in Python here): the client's secrets come by
SSLKEYLOGFILE, and its connection is known by them.
"""

from __future__ import annotations

import re
import shlex
import socket
from typing import TYPE_CHECKING

from plainwire.lab import certificates
from tests.end_to_end import wires
from tests.end_to_end.clients.http3 import UPLOAD
from tests.end_to_end.recorded import record
from tests.needs import needs, tool

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

_LINE = re.compile(r'"(?P<method>\S+) (?P<target>\S+) 3" (?P<status>\d+) (?P<size>\d+)')
TARGETS = ("/first", "POST:/second", "/missing", "/last")


def test_requests_bodies_and_the_close(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs("root")
    papers = certificates.make(tmp_path, (wires.HOST,))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.bind((wires.HOST, 0))
        port = datagrams.getsockname()[1]
        options = ["--certfile", papers.chain, "--keyfile", papers.key, "--access-logfile", tmp_path / "log"]
        options += ["--quic-bind", f"fd://{datagrams.fileno()}"]
        with wires.hypercorn(tmp_path / "output", *options, datagrams=[datagrams]):
            monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
            words = wires.python("http3.py", wires.HOST, port, 1200, 60, papers.authority, *TARGETS)
            recorded = record(tmp_path, *words)
    (connection,) = recorded.report["connections"]
    exchanges = recorded.report["exchanges"]
    assert [
        (
            e["request"]["method"],
            e["request"]["target"],
            e["response"]["status"],
            e["response"]["body_size"],
        )
        for e in exchanges
    ] == _logged(tmp_path / "log")
    assert [
        (e["protocol"], e["response"]["status"], e["request"]["target"], e["response"]["body_size"])
        for e in exchanges
    ] == [(r[0], int(r[1]), r[2], int(r[3])) for r in (s.split("|") for s in recorded.stdout.splitlines())]
    assert [e["request"]["body_size"] for e in exchanges] == [0, len(UPLOAD), 0, 0]
    assert {e["outcome"] for e in exchanges} == {"complete"}
    assert recorded.report["findings"] == []
    assert (connection["transport"], connection["tls"]["alpn"]) == ("quic", "h3")
    assert (connection["closed_by"], connection["close"]) == ("client", "connection_close")
    (close,) = (e for e in connection["events"] if e["kind"] == "connection_close")
    assert (close["name"], close["detail"]) == ("H3_NO_ERROR", "that was all")


def test_alternative_that_nginx_promises_and_at_which_nobody_listens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client's ports are open to the host's kernel, which answers by ICMP."""
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    server = (
        "server {{ listen {{0}} ssl; location / {{ add_header Alt-Svc 'h3=\":{}\"; ma=600'; return 204; }} }}"
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(
            (wires.HOST, 0)
        )  # no other program gets the port, and none listens there once it is closed
        port = taken.getsockname()[1]
        with wires.nginx(tmp_path / "nginx", server.format(port)) as nginx:
            taken.close()
            web = [tool("curl"), "-sS", "--cacert", nginx.papers.authority, nginx.url()]
            http3 = wires.python("http3.py", wires.HOST, port, 1200, 1, nginx.papers.authority, "/")
            steps = (web, http3, web)
            script = "; ".join(shlex.join(str(word) for word in step) for step in steps)
            recorded = record(tmp_path, "/bin/sh", "-c", script)
    (finding,) = [f for f in recorded.report["findings"] if f["code"] == "alt-svc-stale"]
    (connection,) = [c for c in recorded.report["connections"] if c["server"] == f"{wires.HOST}:{port}"]
    assert (finding["connections"], connection["transport"]) == ([connection["id"]], "quic")
    assert "for 600 s" in finding["claim"]
    assert "port unreachable" in finding["claim"]


def _logged(log: Path) -> list[tuple[str, str, int, int]]:
    """Hypercorn writes each line twice when it listens on two sockets."""
    found = [
        (line["method"], line["target"], int(line["status"]), int(line["size"]))
        for line in _LINE.finditer(log.read_text(encoding="utf-8"))
    ]
    return list(dict.fromkeys(found))
