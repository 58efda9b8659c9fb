"""Handshakes of TLS 1.3 that take another way: HelloRetryRequest, early data, a client's certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.end_to_end import wires
from tests.end_to_end.recorded import Recorded, record
from tests.needs import needs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVERS = """
ssl_protocols TLSv1.3;
server {
    listen {0} ssl;
    ssl_ecdh_curve secp384r1;
    location / { return 200 "an object\\n"; }
}
server {
    listen {1} ssl;
    ssl_early_data on;
    keepalive_timeout 0;
    location / { return 200 "an object\\n"; }
}
server {
    listen {2} ssl;
    ssl_verify_client on;
    ssl_client_certificate FOLDER/authority.pem;
    location / { return 200 "$ssl_client_s_dn\\n"; }
}
"""


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[wires.Nginx]:
    folder = tmp_path / "nginx"
    servers = SERVERS.replace("FOLDER", str(folder))
    with wires.nginx(folder, servers, hosts=[wires.HOST] * 3) as server:
        yield server


def assert_read(recorded: Recorded, server: wires.Nginx) -> list[dict[str, Any]]:
    """All requests in nginx's log, and no other, are complete exchanges; the connections."""
    seen = [
        (e["request"]["method"], e["request"]["target"], e["response"]["status"], e["outcome"])
        for e in recorded.report["exchanges"]
    ]
    assert seen == [(line.method, line.target, line.status, "complete") for line in server.logged()]
    assert recorded.report["coverage"]["undecrypted"] == []
    return list(recorded.report["connections"])


def test_a_hello_retry_request(nginx: wires.Nginx, tmp_path: Path) -> None:
    needs("curl")
    words = ["curl", "-s", "--http1.1", "--cacert", nginx.papers.authority, nginx.url("/object")]
    recorded = record(tmp_path, *words)
    assert recorded.stdout == "an object\n"
    (connection,) = assert_read(recorded, nginx)
    assert connection["tls"]["hello_retry"]


def test_early_data_that_the_server_takes(nginx: wires.Nginx, tmp_path: Path) -> None:
    needs("openssl")
    session, early = tmp_path / "session", tmp_path / "early"
    early.write_bytes(b"GET /early HTTP/1.1\r\nHost: test\r\n\r\n")
    openssl = f"openssl s_client -ign_eof -connect {wires.HOST}:{nginx.ports[1]}"
    first = f"printf 'GET /first HTTP/1.1\\r\\nHost: test\\r\\n\\r\\n' | {openssl} -sess_out {session}"
    second = f"{openssl} -sess_in {session} -early_data {early} </dev/null"
    recorded = record(tmp_path, "sh", "-c", f"{first}; {second}")
    said = [line for line in recorded.stdout.splitlines() if line.startswith("Early data was ")]
    assert said == ["Early data was not sent", "Early data was accepted"]
    first_connection, second_connection = assert_read(recorded, nginx)
    assert not first_connection["tls"]["resumed"]
    assert "early_data" not in first_connection["tls"]
    assert second_connection["tls"]["resumed"]
    assert second_connection["tls"]["early_data"] == "accepted"


def test_a_client_s_certificate(nginx: wires.Nginx, tmp_path: Path) -> None:
    needs("curl")
    words = ["curl", "-s", "--http1.1", "--cacert", nginx.papers.authority, "--cert", nginx.papers.bundle]
    recorded = record(tmp_path, *words, nginx.url("/mine", number=2))
    assert recorded.stdout.startswith("CN=")
    assert_read(recorded, nginx)


def test_a_client_without_the_certificate_that_is_asked_for(nginx: wires.Nginx, tmp_path: Path) -> None:
    needs("curl")
    words = ["curl", "-s", "--http1.1", "--cacert", nginx.papers.authority, nginx.url("/mine", number=2)]
    recorded = record(tmp_path, *words)
    (exchange,) = recorded.report["exchanges"]
    assert exchange["response"]["status"] == 400
    assert_read(recorded, nginx)
