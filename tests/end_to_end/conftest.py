"""Real servers, one fixture each: started on a socket that the test already listens on, ended by pid."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import subprocess
import time
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

import pytest

from plainwire.lab import certificates
from tests.needs import needs, tool

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOST = "127.0.0.1"

HAPROXY = """
global
    log stdout format raw local0
defaults
    mode http
    timeout client 30s
    timeout connect 5s
    timeout server 30s
    option nolinger
    option dontlognull
frontend objects
    log global
    log-format '%ci:%cp %ST %tsc %HM %HP'
    bind fd@{descriptor} ssl crt {bundle} alpn http/1.1
    http-request reject if {{ rand(25) eq 0 }}
    http-request return status 200 content-type text/plain string "an object"
"""

NGINX = """
daemon off;
user root;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ }}
http {{
    log_format line '$remote_addr:$remote_port $status $request_method $request_uri';
    access_log {folder}/access.log line;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen {host}:{port} ssl;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_ciphers ALL;
        ssl_certificate {chain};
        ssl_certificate_key {key};
        keepalive_timeout 2s;
        keepalive_requests 7;
        gzip on;
        gzip_types text/plain;
        default_type text/plain;
        location / {{ return 200 "an object\\n"; }}
        location /files/ {{ alias {folder}/files/; }}
        location /missing {{ return 404; }}
        location /moved {{ return 302 /; }}
        location /empty {{ return 204; }}
    }}
}}
"""


@dataclass(frozen=True)
class Server:
    """``folder`` holds the server's files; ``stop`` it before reading ``log``."""

    port: int
    authority: Path
    folder: Path
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.port}"

    def logged(self) -> list[tuple[str, int, str]]:
        """Stop the server; return (client address, status, target) of each request that it logged."""
        _end(self.process)
        lines = [line.split() for line in self.log.read_text(encoding="utf-8").splitlines()]
        return [(line[0], int(line[1]), line[-1]) for line in lines if len(line) >= 4]


@pytest.fixture
def haproxy(tmp_path: Path) -> Iterator[Server]:
    needs("root")
    program = tool("haproxy")
    folder = tmp_path / "haproxy"
    folder.mkdir()
    papers = certificates.make(folder, (HOST,))
    with socket.create_server((HOST, 0), backlog=64) as listener:
        configuration = HAPROXY.format(descriptor=listener.fileno(), bundle=papers.bundle)
        (folder / "haproxy.cfg").write_text(configuration, encoding="utf-8")
        command = [program, "-db", "-f", str(folder / "haproxy.cfg")]
        with (folder / "log").open("wb") as log, _running(command, listener, {}, log) as process:
            server = Server(listener.getsockname()[1], papers.authority, folder, process, folder / "log")
            _wait(server)
            yield server


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[Server]:
    needs("root")
    program = tool("nginx")
    folder = tmp_path / "nginx"
    (folder / "files").mkdir(parents=True)
    papers = certificates.make(folder, (HOST,))
    with socket.create_server((HOST, 0), backlog=64) as listener:
        port = listener.getsockname()[1]
        configuration = NGINX.format(folder=folder, host=HOST, port=port, chain=papers.chain, key=papers.key)
        (folder / "nginx.conf").write_text(configuration, encoding="utf-8")
        command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf")]
        inherited = {"NGINX": f"{listener.fileno()};"}
        with (folder / "output").open("wb") as log, _running(command, listener, inherited, log) as process:
            server = Server(port, papers.authority, folder, process, folder / "access.log")
            _wait(server)
            yield server


@contextlib.contextmanager
def _running(
    command: list[str], listener: socket.socket, environment: dict[str, str], output: IO[bytes]
) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        command,
        stdout=output,
        stderr=subprocess.STDOUT,
        pass_fds=(listener.fileno(),),
        env={**os.environ, **environment},
    ) as process:
        try:
            yield process
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _wait(server: Server) -> None:
    """Wait until the server completes a TLS handshake (the socket itself listens from the beginning)."""
    context = ssl.create_default_context(cafile=str(server.authority))
    for _ in range(100):
        assert server.process.poll() is None, "the server did not start"
        with contextlib.suppress(OSError):
            plain = socket.create_connection((HOST, server.port), timeout=10)
            with plain, context.wrap_socket(plain, server_hostname=HOST):
                return
        time.sleep(0.1)
    pytest.fail("the server did not answer")
