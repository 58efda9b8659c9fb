"""Several servers behind one address, of which one is not like the others."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from plainwire.lab import certificates
from tests.end_to_end import wires
from tests.end_to_end.recorded import SESSION, record
from tests.needs import tool

if TYPE_CHECKING:
    from pathlib import Path

COUNT = 24
POOL = """
upstream pool { server {1}; server {2}; }
server { listen {0} ssl; location / { proxy_pass http://pool; } }
server { listen {1}; add_header X-Served-By one always; location / { return 200 "an object\\n"; } }
server { listen {2}; add_header X-Served-By two always; location / { return 503; } }
"""
TWO_CERTIFICATES = """
server {{ listen {{0}} ssl; location / {{ return 200 "an object\\n"; }} }}
server {{
    listen {{1}} ssl;
    ssl_certificate {other.chain};
    ssl_certificate_key {other.key};
    location / {{ return 200 "an object\\n"; }}
}}
"""
HAPROXY = """
global
    log stdout format raw local0
defaults
    mode tcp
    timeout client 30s
    timeout connect 5s
    timeout server 30s
listen objects
    bind fd@{descriptor}
    balance roundrobin
    server one 127.0.0.1:{ports[0]}
    server two 127.0.0.1:{ports[1]}
"""
ASKING = """
import http.client, socket, ssl, sys
port, authority, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
context = ssl.create_default_context(cafile=authority)
for number in range(count):
    plain = socket.create_connection(("127.0.0.1", port), timeout=10)
    connection = http.client.HTTPConnection("localhost", port)
    try:
        connection.sock = context.wrap_socket(plain, server_hostname="localhost")
        connection.request("GET", f"/object-{number}")
        print(connection.getresponse().read().decode().strip())
    except ssl.SSLCertVerificationError as error:
        print(error.verify_message)
    finally:
        connection.close()
        plain.close()
"""


def test_the_one_server_of_a_pool_that_fails_is_named(tmp_path: Path) -> None:
    with wires.nginx(tmp_path / "nginx", POOL, hosts=[wires.HOST] * 3) as server:
        recorded = record(tmp_path, sys.executable, SESSION, server.url(), server.papers.authority, COUNT)
        entry = [line for line in server.logged() if line.tls != "-"]
    failed = sorted(line.target for line in entry if line.status == 503)
    assert len(failed) == COUNT // 2
    assert recorded.targets("sick-backend") == failed
    finding = next(f for f in recorded.report["findings"] if f["code"] == "sick-backend")
    assert finding["fault"] == "server"
    assert f"{COUNT // 2} of {COUNT // 2} tries that went to x-served-by two failed" in finding["claim"]
    assert f"0 of {COUNT // 2}" in finding["claim"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("fallback.example", ("cert-differs-by-backend", "server", "proved")),
        ("localhost", ("tls-interception", "path", "likely")),
    ],
    ids=["another name", "another issuer"],
)
def test_another_certificate_on_every_second_connection(
    tmp_path: Path, name: str, expected: tuple[str, str, str]
) -> None:
    """For the asked name by a stranger, an interceptor's looks just so; for another name, a server errs."""
    (tmp_path / "other").mkdir()
    other = certificates.make(tmp_path / "other", (name,), authority="a stranger")
    servers = TWO_CERTIFICATES.format(other=other)
    with (
        wires.nginx(tmp_path / "nginx", servers, hosts=[wires.HOST] * 2) as server,
        wires.listening() as listener,
    ):
        port = listener.getsockname()[1]
        (tmp_path / "haproxy.cfg").write_text(
            HAPROXY.format(descriptor=listener.fileno(), ports=server.ports), encoding="utf-8"
        )
        command = [tool("haproxy"), "-db", "-f", tmp_path / "haproxy.cfg"]
        with wires.started(command, tmp_path / "haproxy", [listener]):
            recorded = record(tmp_path, sys.executable, "-c", ASKING, port, server.papers.authority, COUNT)
    said = recorded.stdout.splitlines()
    assert said.count("an object") == COUNT // 2
    connections = recorded.report["connections"]
    refused = {c["id"] for c, line in zip(connections, said, strict=True) if line != "an object"}
    assert {
        (f["code"], f["fault"], f["certainty"]): set(f["connections"])
        for f in recorded.report["findings"]
        if f["failure"]
    } == {expected: refused}
