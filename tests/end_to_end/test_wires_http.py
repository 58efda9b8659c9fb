"""HTTP/1.1 and HTTP/2 as nginx serves them, in clear text and over TLS, held against its own log."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest

from tests.end_to_end import wires
from tests.end_to_end.recorded import Recorded, record
from tests.needs import needs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVERS = """
server {
    listen {0} ssl http2;
    ssl_protocols TLSv1.2 TLSv1.3;
    gzip on;
    gzip_types text/plain;
    gzip_http_version 1.0;
    location / { return 200 "an object\\n"; }
    location /missing { return 404; }
    location /files/ { alias FOLDER/files/; }
    location /echo { proxy_pass http://{1}; }
}
server {
    listen {1} http2;
    location / { return 200 "clear text\\n"; }
}
"""
AUTHORITY = re.compile("^https?://[^/]*")
TEXT = "an object's line\n" * 4_000
VERSIONS = {"1.2": ["--tls-max", "1.2"], "1.3": ["--tlsv1.3"]}
HTTPX = """
import ssl, sys, httpx
base, authority, maximum = sys.argv[1:]
context = ssl.create_default_context(cafile=authority)
context.maximum_version = ssl.TLSVersion[maximum]
with httpx.Client(http2=True, verify=context, trust_env=False) as client:
    for target in ("/object", "/files/text", "/missing"):
        answer = client.get(base + target)
        print(answer.http_version, answer.status_code, target, len(answer.content), sep="|")
    answer = client.post(base + "/object", content=b"x" * 40_000)
    print(answer.http_version, answer.status_code, "/object", len(answer.content), sep="|")
"""
HTTP_CLIENT = """
import http.client, ssl, sys
port, authority, maximum = sys.argv[1:]
context = ssl.create_default_context(cafile=authority)
context.maximum_version = ssl.TLSVersion[maximum]
connection = http.client.HTTPSConnection("127.0.0.1", int(port), context=context, timeout=30)
for method, target in (("GET", "/object"), ("POST", "/object"), ("GET", "/missing")):
    connection.request(method, target, "x" * 40_000 if method == "POST" else None)
    answer = connection.getresponse()
    print("HTTP/1.1", answer.status, target, len(answer.read()), sep="|")
connection.close()
"""


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[wires.Nginx]:
    folder = tmp_path / "nginx"
    servers = SERVERS.replace("FOLDER", str(folder))
    with wires.nginx(folder, servers, hosts=[wires.HOST, wires.HOST]) as server:
        (folder / "files").mkdir()
        (folder / "files" / "text").write_text(TEXT, encoding="utf-8")
        yield server


def curl(server: wires.Nginx, *options: object, targets: tuple[str, ...], number: int = 0) -> list[object]:
    """A curl that fetches all targets over one connection, and says of each what it got."""
    needs("curl")
    scheme = "http" if number else "https"
    urls = [
        word for t in targets for word in ("-o", "/dev/null", server.url(t, number=number, scheme=scheme))
    ]
    written = "%{http_version}|%{http_code}|%{url}|%{size_download}\n"
    return ["curl", "-s", "--cacert", server.papers.authority, "-w", written, *options, *urls]


def seen(recorded: Recorded, port: int) -> list[tuple[str, int, str, int]]:
    """What the report says of each exchange, as the clients put it."""
    return [
        (e["protocol"], e["response"]["status"], e["request"]["target"], e["response"]["body_size"])
        for e in recorded.exchanges_with(port)
    ]


def said(recorded: Recorded) -> list[tuple[str, int, str, int]]:
    """The client's own words, in the names of the report."""
    names = {"HTTP/1.1": "http/1.1", "1.1": "http/1.1", "HTTP/2": "h2", "2": "h2"}
    rows = [line.split("|") for line in recorded.stdout.splitlines()]
    return [(names[r[0]], int(r[1]), AUTHORITY.sub("", r[2]), int(r[3])) for r in rows]


def assert_nothing_is_wrong(recorded: Recorded, port: int) -> None:
    assert recorded.report["findings"] == []
    assert recorded.report["coverage"]["undecrypted"] == []
    assert {e["outcome"] for e in recorded.exchanges_with(port)} == {"complete"}


def assert_log_agrees(recorded: Recorded, server: wires.Nginx, number: int = 0) -> None:
    versions = {"HTTP/1.1": "http/1.1", "HTTP/2.0": "h2"}
    exchanges = recorded.exchanges_with(server.ports[number])
    (ports,) = {c["client"].rpartition(":")[2] for c in recorded.report["connections"]}
    assert [
        (int(ports), e["protocol"], e["response"]["status"], e["request"]["method"], e["request"]["target"])
        for e in exchanges
    ] == [
        (line.client_port, versions[line.protocol], line.status, line.method, line.target)
        for line in server.logged()
    ]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("http", ["--http1.1", "--http2"])
def test_curl_over_tls(version: str, http: str, nginx: wires.Nginx, tmp_path: Path) -> None:
    targets = ("/object", "/files/text", "/missing", "/object?again")
    recorded = record(tmp_path, *curl(nginx, *VERSIONS[version], http, targets=targets))
    assert seen(recorded, nginx.ports[0]) == said(recorded)
    (connection,) = recorded.report["connections"]
    assert connection["tls"]["version"] == f"TLS {version}"
    assert connection["tls"]["alpn"] == {"--http1.1": "http/1.1", "--http2": "h2"}[http]
    assert_nothing_is_wrong(recorded, nginx.ports[0])
    assert_log_agrees(recorded, nginx)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("client", ["http.client", "httpx over HTTP/2"])
def test_python_over_tls(version: str, client: str, nginx: wires.Nginx, tmp_path: Path) -> None:
    script, server = (HTTPX, nginx.url()) if "httpx" in client else (HTTP_CLIENT, nginx.ports[0])
    maximum = f"TLSv1_{version[-1]}"
    recorded = record(tmp_path, sys.executable, "-c", script, server, nginx.papers.authority, maximum)
    assert [row[:3] for row in seen(recorded, nginx.ports[0])] == [row[:3] for row in said(recorded)]
    assert [e["request"]["body_size"] for e in recorded.exchanges_with(nginx.ports[0])].count(40_000) == 1
    (connection,) = recorded.report["connections"]
    assert connection["tls"]["version"] == f"TLS {version}"
    assert_nothing_is_wrong(recorded, nginx.ports[0])
    assert_log_agrees(recorded, nginx)


def test_gzip_as_nginx_makes_it_on_the_way(nginx: wires.Nginx, tmp_path: Path) -> None:
    recorded = record(tmp_path, *curl(nginx, "--compressed", "--http2", targets=("/files/text",)))
    (exchange,) = recorded.exchanges_with(nginx.ports[0])
    response = exchange["response"]
    assert response["content"] == {
        "codings": ["gzip"],
        "decoded_size": len(TEXT),
        "complete": True,
        "defect": None,
    }
    (line,) = nginx.logged()
    assert response["body_size"] == line.body_size < len(TEXT)


def test_http2_in_clear_text_by_prior_knowledge(nginx: wires.Nginx, tmp_path: Path) -> None:
    command = curl(nginx, "--http2-prior-knowledge", targets=("/object",), number=1)
    recorded = record(tmp_path, *command)  # of one request: curl 7.88 fails with a second
    assert seen(recorded, nginx.ports[1]) == said(recorded)
    assert [row[:2] for row in said(recorded)] == [("h2", 200)]
    assert_nothing_is_wrong(recorded, nginx.ports[1])
    assert_log_agrees(recorded, nginx, 1)


def test_http2_in_clear_text_by_upgrade(tmp_path: Path) -> None:
    needs("curl")
    with wires.hypercorn(tmp_path / "output") as port:
        urls = [f"http://{wires.HOST}:{port}/{name}" for name in ("first", "second")]
        written = "%{http_version}|%{http_code}|%{url}|%{size_download}\n"
        words = [word for url in urls for word in ("-o", "/dev/null", url)]
        recorded = record(tmp_path, "curl", "-s", "--http2", "-w", written, *words)
    exchanges = recorded.exchanges_with(port)
    assert [(e["protocol"], e["stream"], e["request"]["target"]) for e in exchanges] == [
        ("http/1.1", None, "/first"),
        ("h2", 1, "/first"),
        ("h2", 3, "/second"),
    ]
    assert exchanges[0]["response"]["status"] == 101
    assert exchanges[1]["via"] == exchanges[2]["via"] == exchanges[0]["id"]
    assert seen(recorded, port)[1:] == said(recorded)
    assert_nothing_is_wrong(recorded, port)
