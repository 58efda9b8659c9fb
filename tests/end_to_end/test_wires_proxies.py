"""Clients through real proxies: the exchange with the proxy, and those inside its tunnel, tied together."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from plainwire.lab import certificates
from tests.end_to_end import wires
from tests.end_to_end.recorded import record
from tests.needs import needs, tool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.end_to_end.recorded import Recorded

SITE = """
server {
    listen {0} ssl http2;
    location / { return 200 "an object\\n"; }
    location /missing { return 404; }
}
server {
    listen {1} ssl proxy_protocol;
    location / { return 200 "an object\\n"; }
}
"""
TINYPROXY = """
Port {port}
Listen 127.0.0.1
Timeout 60
LogFile "{folder}/log"
LogLevel Connect
"""
SQUID = """
http_port 127.0.0.1:{port}
https_port 127.0.0.1:{secure} tls-cert={bundle}
http_access allow localhost
access_log none
cache_log /dev/stderr
pid_filename none
cache deny all
shutdown_lifetime 0 seconds
"""
REQUESTS = """
import sys, requests
url, proxy, authority = sys.argv[1:]
with requests.Session() as session:
    session.trust_env = False
    session.verify = authority
    session.proxies = {"https": proxy, "http": proxy}
    for target in ("/first", "/missing"):
        print(session.get(url + target, timeout=30).status_code)
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[wires.Nginx]:
    with wires.nginx(tmp_path / "nginx", SITE, hosts=[wires.HOST, wires.HOST]) as server:
        yield server


@pytest.fixture
def tinyproxy(tmp_path: Path) -> Iterator[int]:
    program = tool("tinyproxy")

    def command(port: int) -> list[object]:
        (tmp_path / "tinyproxy.conf").write_text(
            TINYPROXY.format(port=port, folder=tmp_path), encoding="utf-8"
        )
        return [program, "-d", "-c", tmp_path / "tinyproxy.conf"]

    with wires.on_free_port(command, tmp_path / "tinyproxy") as (port, _):
        yield port


def curl(
    site: wires.Nginx, *options: object, targets: tuple[str, ...] = ("/first", "/missing")
) -> list[object]:
    needs("curl")
    urls = [word for target in targets for word in ("-o", "/dev/null", site.url(target))]
    command = [
        "curl",
        "-s",
        "--noproxy",
        "",
        "--cacert",
        site.papers.authority,
        "-w",
        "%{http_connect} %{http_code}\n",
    ]
    return [*command, *options, *urls]


def assert_tunnelled(
    recorded: Recorded, port: int, site: wires.Nginx
) -> tuple[dict[str, Any], dict[str, Any]]:
    """One CONNECT that nothing is wrong with, and both requests inside; the connection and the CONNECT."""
    connect, first, second = recorded.exchanges_with(port)
    target = f"{wires.HOST}:{site.ports[0]}"
    assert (connect["request"]["method"], connect["request"]["target"]) == ("CONNECT", target)
    assert connect["response"]["status"] == 200
    assert [(e["request"]["target"], e["response"]["status"]) for e in (first, second)] == [
        ("/first", 200),
        ("/missing", 404),
    ]
    assert {first["via"], second["via"]} == {connect["id"]}
    assert {e["outcome"] for e in (connect, first, second)} == {"complete"}
    (connection,) = (c for c in recorded.report["connections"] if c["server"].endswith(f":{port}"))
    assert [(t["kind"], t["target"]) for t in connection["tunnels"]] == [("CONNECT", target)]
    assert recorded.report["findings"] == []
    assert [(line.target, line.status) for line in site.logged()] == [("/first", 200), ("/missing", 404)]
    return connection, connect


@pytest.mark.parametrize("http", ["--http1.1", "--http2"])
def test_curl_through_a_connect_proxy(http: str, site: wires.Nginx, tinyproxy: int, tmp_path: Path) -> None:
    recorded = record(tmp_path, *curl(site, http, "-x", f"http://{wires.HOST}:{tinyproxy}"))
    assert recorded.stdout.split() == ["200", "200", "000", "404"]
    connection, _ = assert_tunnelled(recorded, tinyproxy, site)
    assert connection["tls"]["alpn"] == {"--http1.1": "http/1.1", "--http2": "h2"}[http]


def test_requests_through_a_connect_proxy(site: wires.Nginx, tinyproxy: int, tmp_path: Path) -> None:
    words = (site.url(), f"http://{wires.HOST}:{tinyproxy}", site.papers.authority)
    recorded = record(tmp_path, sys.executable, "-c", REQUESTS, *words)
    assert recorded.stdout.split() == ["200", "404"]
    assert_tunnelled(recorded, tinyproxy, site)


def test_a_connect_that_the_proxy_refuses(site: wires.Nginx, tinyproxy: int, tmp_path: Path) -> None:
    with wires.listening() as free:
        closed = free.getsockname()[1]
    command = curl(site, "-x", f"http://{wires.HOST}:{tinyproxy}", targets=())
    recorded = record(tmp_path, *command, f"https://{wires.HOST}:{closed}/")
    status = int(recorded.stdout.split()[0])
    (connect,) = recorded.exchanges_with(tinyproxy)
    assert (connect["request"]["method"], connect["response"]["status"]) == ("CONNECT", status)
    assert status >= 400


@dataclass(frozen=True)
class Squid:
    port: int
    secure: int


@pytest.fixture
def squid(tmp_path: Path) -> Iterator[Squid]:
    needs("root")
    program = tool("squid")
    papers = certificates.make(tmp_path, (wires.HOST,))
    with wires.listening() as free:
        secure = free.getsockname()[1]

    def command(port: int) -> list[object]:
        text = SQUID.format(port=port, secure=secure, bundle=papers.bundle)
        (tmp_path / "squid.conf").write_text(text, encoding="utf-8")
        return [program, "-N", "-f", tmp_path / "squid.conf"]

    with wires.on_free_port(command, tmp_path / "squid") as (port, _):
        yield Squid(port, secure)


def test_curl_through_squid(squid: Squid, site: wires.Nginx, tmp_path: Path) -> None:
    recorded = record(tmp_path, *curl(site, "-x", f"http://{wires.HOST}:{squid.port}"))
    assert recorded.stdout.split() == ["200", "200", "000", "404"]
    assert_tunnelled(recorded, squid.port, site)


def test_tls_inside_tls_to_an_https_proxy(squid: Squid, site: wires.Nginx, tmp_path: Path) -> None:
    command = curl(site, "--proxy-insecure", "-x", f"https://{wires.HOST}:{squid.secure}")
    recorded = record(tmp_path, *command)
    assert recorded.stdout.split() == ["200", "200", "000", "404"]
    connection, _ = assert_tunnelled(recorded, squid.secure, site)
    assert connection["tls"]["version"] == "TLS 1.3"
    (inner,) = connection["inner_tls"]
    assert inner["alpn"] == "h2"


@pytest.fixture
def microsocks(tmp_path: Path) -> Iterator[int]:
    program = tool("microsocks")
    with wires.on_free_port(lambda port: [program, "-i", wires.HOST, "-p", port], tmp_path / "log") as found:
        yield found[0]


@pytest.mark.parametrize("option", ["--socks5", "--socks5-hostname"])
def test_curl_through_a_socks_server(option: str, microsocks: int, site: wires.Nginx, tmp_path: Path) -> None:
    needs("curl")
    url = f"https://localhost:{site.ports[0]}/object"
    words = ["curl", "-s", "-4", "--cacert", site.papers.authority, "-w", "%{http_code}", "-o", "/dev/null"]
    recorded = record(tmp_path, *words, option, f"{wires.HOST}:{microsocks}", url)
    assert recorded.stdout == "200"
    (exchange,) = recorded.exchanges_with(microsocks)
    assert (exchange["request"]["target"], exchange["response"]["status"]) == ("/object", 200)
    (connection,) = (c for c in recorded.report["connections"] if c["id"] == exchange["connection"])
    host = "localhost" if option == "--socks5-hostname" else wires.HOST
    assert [(t["kind"], t["target"]) for t in connection["tunnels"]] == [
        ("SOCKS 5", f"{host}:{site.ports[0]}")
    ]
    assert [line.target for line in site.logged()] == ["/object"]


def test_the_proxy_protocol_before_tls(site: wires.Nginx, tmp_path: Path) -> None:
    needs("curl")
    words = [
        "curl",
        "-s",
        "--cacert",
        site.papers.authority,
        "-w",
        "%{http_code} %{local_port}",
        "-o",
        "/dev/null",
    ]
    recorded = record(tmp_path, *words, "--haproxy-protocol", site.url("/object", number=1))
    status, local_port = recorded.stdout.split()
    assert status == "200"
    (exchange,) = recorded.exchanges_with(site.ports[1])
    assert (exchange["request"]["target"], exchange["response"]["status"]) == ("/object", 200)
    (connection,) = recorded.report["connections"]
    (tunnel,) = connection["tunnels"]
    assert tunnel["kind"] == "PROXY protocol 1"
    (line,) = site.logged()
    assert tunnel["target"] == f"for {line.claimed_client}:{local_port}"
