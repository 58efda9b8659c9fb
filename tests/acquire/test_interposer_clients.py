"""Every secret of every handshake, for the clients that the interposer promises to reach."""

from __future__ import annotations

import ctypes.util
import json
import signal
import site
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from plainwire import case
from plainwire.acquire.launch import launch
from tests.acquire.conftest import CLIENTS, openssl_1_0, python
from tests.acquire.tls_server import key_lines, tls_server
from tests.needs import needs, tool

if TYPE_CHECKING:
    from tests.acquire.conftest import Run
    from tests.acquire.tls_server import TlsServer

BUNDLED = sorted(
    Path(path) for folder in site.getsitepackages() for path in Path(folder).glob("*.libs/libssl*")
)
"""Copies of libssl that came inside wheels."""


@pytest.mark.parametrize(
    ("client", "answers"),
    [("plain_http", 3), ("with_requests", 3), ("with_httpx", 2), ("with_aiohttp", 1), ("with_gevent", 8)],
)
def test_python_clients(run: Run, server: TlsServer, client: str, answers: int) -> None:
    outcome = run(*python(client, server))
    assert (outcome.status, outcome.output.split()) == (0, ["200"] * answers), outcome.errors
    assert outcome.keys == server.secrets()
    assert len(outcome.events.by_client_random) == len({line.split()[1] for line in server.secrets()})


@pytest.mark.parametrize("how", ["in_process", "in_child"])
def test_c_library_inside_cpython_with_a_tls_of_its_own(run: Run, server: TlsServer, how: str) -> None:
    """It logs to SSLKEYLOGFILE, which CPython does not see."""
    outcome = run(*python("with_curl_cffi", server, how))
    assert (outcome.status, outcome.output) == (0, "None 200\n"), outcome.errors
    assert outcome.keys == server.secrets()


def test_cpython_does_not_write_what_the_interposer_writes(run: Run, server13: TlsServer) -> None:
    outcome = run(*python("with_requests", server13))
    lines = outcome.case.keys.read_text().splitlines()
    assert set(lines) >= server13.secrets()
    assert len(lines) == len(set(lines))


def test_curl(run: Run, server: TlsServer) -> None:
    outcome = run(tool("curl"), "-sS", "--cacert", server.certificate, server.url)
    assert (outcome.status, outcome.output, outcome.errors) == (0, "hello\n", "")
    assert outcome.keys == server.secrets()


def test_ruby(run: Run, server: TlsServer) -> None:
    outcome = run(tool("ruby"), CLIENTS / "in_ruby.rb", str(server.port), server.certificate)
    assert (outcome.status, outcome.output, outcome.errors) == (0, "200\n", "")
    assert outcome.keys == server.secrets()


def test_php(run: Run, server: TlsServer) -> None:
    outcome = run(tool("php"), CLIENTS / "in_php.php", str(server.port), server.certificate)
    assert (outcome.status, outcome.output, outcome.errors) == (0, "hello\n", "")
    assert outcome.keys == server.secrets()


@pytest.fixture(scope="module")
def java_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a compiled client."""
    folder = tmp_path_factory.mktemp("java")
    subprocess.run([tool("javac"), "-d", folder, CLIENTS / "InJava.java"], check=True, timeout=300)
    return folder


def test_java(run: Run, server: TlsServer, java_client: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both clients of its library; and the program sees no option and no variable that is not its own."""
    for name in ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS"):
        monkeypatch.delenv(name, raising=False)
    outcome = run(tool("java"), "-cp", java_client, "InJava", str(server.port), server.certificate)
    assert (outcome.status, outcome.output, outcome.errors) == (0, "200\n200\n[]\n[]\n", "")
    assert outcome.keys == server.secrets()
    assert {json.loads(line)["how"] for line in outcome.lines("tls")} == {"agent"}
    assert len(outcome.events.by_client_random) == 2


def test_openssl_s_client(run: Run, server: TlsServer) -> None:
    request = r"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    command = f"printf '{request}' | {tool('openssl')} s_client -quiet -connect localhost:{server.port}"
    outcome = run("/bin/sh", "-c", command)
    assert outcome.output.startswith("HTTP/1.1 200 OK")
    assert outcome.keys == server.secrets()


@pytest.mark.parametrize("library", BUNDLED, ids=lambda path: str(path.name))
def test_libssl_of_a_wheel_bound_by_ctypes(run: Run, server: TlsServer, library: Path) -> None:
    outcome = run(*python("openssl_by_ctypes", server, str(library)))
    assert (outcome.status, outcome.output) == (0, "HTTP/1.1 200 OK\n"), outcome.errors
    assert outcome.keys == server.secrets()
    assert [json.loads(line)["library"] for line in outcome.lines("tls")] == [str(library)]


def test_several_copies_of_libssl_in_one_process(run: Run, server: TlsServer) -> None:
    system = ctypes.util.find_library("ssl")
    assert system
    copies = ["python", *map(str, BUNDLED), system, "python"]
    outcome = run(*python("openssl_by_ctypes", server, *copies))
    assert (outcome.status, outcome.output) == (0, "HTTP/1.1 200 OK\n" * len(copies)), outcome.errors
    assert outcome.keys == server.secrets()
    assert len({json.loads(line)["library"] for line in outcome.lines("tls")}) == 1 + len(BUNDLED)


def test_bundled_copies_include_another_generation() -> None:
    """Without them the tests above would try less than they seem to."""
    needs("gcc")
    expected = {".1.1", ".3"} if sys.version_info < (3, 12) else {".3"}
    assert expected <= {suffix for suffix in (".1.1", ".3") for path in BUNDLED if path.name.endswith(suffix)}


def test_openssl_1_0_of_an_old_wheel(run: Run, tmp_path: Path) -> None:
    """It has no key log: its master secret is read when the handshake is done."""
    library = openssl_1_0(tmp_path)
    with tls_server(tmp_path, ssl.TLSVersion.TLSv1_2) as server:
        outcome = run(*python("openssl_by_ctypes", server, str(library), "python"))
        assert (outcome.status, outcome.output) == (0, "HTTP/1.1 200 OK\n" * 2), outcome.errors
        assert outcome.keys == server.secrets()
    assert {json.loads(line)["library"] for line in outcome.lines("tls")} > {str(library)}


def test_s2n_inside_a_library(run: Run, server: TlsServer) -> None:
    """Its functions are called by name there, and have a callback as OpenSSL's."""
    outcome = run(*python("with_awscrt", server))
    assert (outcome.status, outcome.output) == (0, "200\n"), outcome.errors
    assert outcome.keys == server.secrets()
    (told,) = (json.loads(line) for line in outcome.lines("tls"))
    assert (told["how"], Path(told["library"]).name) == ("callback", "_awscrt.abi3.so")
    assert outcome.lines("unreached") == []


def test_nginx_as_a_client(server: TlsServer, tmp_path: Path) -> None:
    """Its worker runs as another user, where it was started by root, and had its descriptors from its
    master.
    """
    port = free_port()
    (tmp_path / "nginx.conf").write_text(f"""
        daemon off; pid {tmp_path}/nginx.pid; error_log {tmp_path}/error.log; worker_processes 2;
        events {{}}
        http {{
            access_log off; client_body_temp_path {tmp_path}/t1; proxy_temp_path {tmp_path}/t2;
            fastcgi_temp_path {tmp_path}/t3; uwsgi_temp_path {tmp_path}/t4; scgi_temp_path {tmp_path}/t5;
            server {{
                listen 127.0.0.1:{port};
                location / {{ proxy_pass https://127.0.0.1:{server.port}; proxy_ssl_protocols TLSv1.2
                TLSv1.3; }}
            }}
        }}""")
    made = case.create(tmp_path / "case")
    program = launch([tool("nginx"), "-c", f"{tmp_path}/nginx.conf", "-e", f"{tmp_path}/error.log"], made)
    try:
        wait_for_port(port)
        for _ in range(4):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60) as answer:
                assert answer.read() == b"hello\n"
    finally:
        program.send_signal(signal.SIGTERM)
        status = program.wait(60)
        program.finish()
    assert status == 0
    assert key_lines(made.keys) == server.secrets()


def test_sockets_and_process_of_each_session(run: Run, server13: TlsServer) -> None:
    outcome = run(*python("plain_http", server13))
    seen = [json.loads(line) for line in outcome.lines("tls")]
    assert [event["local"] for event in seen] == server13.peers
    assert {event["peer"] for event in seen} == {f"127.0.0.1:{server13.port}"}
    assert {event["command"] for event in seen} == {Path(sys.executable).name}
    assert len({event["pid"] for event in seen}) == 1
    assert len({event["client_random"] for event in seen}) == 3


def test_connections_without_tls_are_noted_too(run: Run, server13: TlsServer) -> None:
    script = (
        f"import socket; print(socket.create_connection(('127.0.0.1', {server13.port})).getsockname()[1])"
    )
    outcome = run(sys.executable, "-c", script)
    local = f"127.0.0.1:{outcome.output.strip()}"
    assert list(outcome.events.by_sockets) == [(local, f"127.0.0.1:{server13.port}")]


def test_ipv4_inside_ipv6_is_noted_as_on_the_wire(run: Run, server13: TlsServer) -> None:
    script = (
        "import socket; s = socket.socket(socket.AF_INET6);"
        f"s.connect(('::ffff:127.0.0.1', {server13.port})); print(s.getsockname()[1])"
    )
    outcome = run(sys.executable, "-c", script)
    assert outcome.status == 0, outcome.errors
    local = f"127.0.0.1:{outcome.output.strip()}"
    assert list(outcome.events.by_sockets) == [(local, f"127.0.0.1:{server13.port}")]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int) -> None:
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail(f"nothing listens on port {port}")
