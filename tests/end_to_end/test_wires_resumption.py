"""Sessions taken up again, by id, ticket and PSK, held against what nginx says of each of them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.end_to_end import wires
from tests.end_to_end.recorded import record
from tests.needs import needs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVERS = """
keepalive_timeout 0;
server {
    listen {0} ssl;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_tickets off;
    ssl_session_cache shared:by_id:1m;
    location / { return 200 "an object\\n"; }
}
server {
    listen {1} ssl;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_tickets on;
    ssl_session_cache off;
    location / { return 200 "an object\\n"; }
}
"""
BY_ID, BY_TICKET = 0, 1
WAYS = [
    ("curl", "1.2", BY_ID),
    ("python", "1.2", BY_ID),
    ("python", "1.2", BY_TICKET),  # curl asks for none in this version (SSL_OP_NO_TICKET)
    ("curl", "1.3", BY_ID),
    ("curl", "1.3", BY_TICKET),
    ("python", "1.3", BY_ID),
    ("python", "1.3", BY_TICKET),
]
"""In TLS 1.3 both are a PSK to the client: a name of the server's state, or the state itself, sealed."""
COUNT = 3
PYTHON = """
import socket, ssl, sys
port, authority, version, count = sys.argv[1:]
context = ssl.create_default_context(cafile=authority)
context.maximum_version = context.minimum_version = ssl.TLSVersion["TLSv1_" + version[-1]]
session = None
for number in range(int(count)):
    plain = socket.create_connection(("127.0.0.1", int(port)), timeout=30)
    with plain, context.wrap_socket(plain, server_hostname="127.0.0.1", session=session) as inside:
        inside.sendall(b"GET /%d HTTP/1.1\\r\\nHost: test\\r\\n\\r\\n" % number)
        while inside.recv(65536):
            pass
        session = inside.session
        print(int(inside.session_reused))
"""


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[wires.Nginx]:
    with wires.nginx(tmp_path / "nginx", SERVERS, hosts=[wires.HOST, wires.HOST]) as server:
        yield server


@pytest.mark.parametrize(("client", "version", "number"), WAYS)
def test_resumed_as_nginx_says(
    client: str, version: str, number: int, nginx: wires.Nginx, tmp_path: Path
) -> None:
    if client == "curl":
        needs("curl")
        urls = [word for n in range(COUNT) for word in ("-o", "/dev/null", nginx.url(f"/{n}", number=number))]
        most = ["--tlsv1.3"] if version == "1.3" else ["--tls-max", version]
        command = ["curl", "-s", "--http1.1", "--cacert", nginx.papers.authority, *most, *urls]
    else:
        words = (nginx.ports[number], nginx.papers.authority, version, COUNT)
        command = [sys.executable, "-c", PYTHON, *words]
    recorded = record(tmp_path, *command)
    assert recorded.status == 0
    if client == "python":
        assert recorded.stdout.split() == ["0", "1", "1"]
    ports = {c["id"]: c["client"].rpartition(":")[2] for c in recorded.report["connections"]}
    tls = {c["id"]: c["tls"] for c in recorded.report["connections"]}
    assert [
        (int(ports[e["connection"]]), e["request"]["target"], e["outcome"], tls[e["connection"]]["resumed"])
        for e in recorded.exchanges_with(nginx.ports[number])
    ] == [(line.client_port, line.target, "complete", line.reused) for line in nginx.logged()]
    assert [session["resumed"] for session in tls.values()] == [False, True, True]
    assert {session["version"] for session in tls.values()} == {f"TLS {version}"}
    assert recorded.report["coverage"]["undecrypted"] == []
    assert recorded.report["findings"] == []
