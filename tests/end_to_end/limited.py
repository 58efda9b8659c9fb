"""Real servers with limits of a test's choice: configured, started, awaited, ended."""

from __future__ import annotations

import contextlib
import os
import pwd
import socket
import ssl
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from plainwire.lab import certificates
from tests.needs import needs, tool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from plainwire.lab.certificates import Certificates

HOST = "127.0.0.1"

NGINX = """
daemon off;
user root;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen {host}:{port} ssl;
        ssl_certificate {chain};
        ssl_certificate_key {key};
        keepalive_timeout {idle}s;
        keepalive_requests {requests};
        location / {{ return 200 "an object\\n"; }}
    }}
}}
"""

HAPROXY = """
global
    log stdout format raw local0
defaults
    mode http
    timeout client 30s
    timeout connect 5s
    timeout server 30s
    timeout http-request 20s
    timeout http-keep-alive {milliseconds}ms
frontend objects
    bind {host}:{port} ssl crt {bundle} alpn http/1.1
    http-request return status 200 content-type text/plain string "an object"
"""

APACHE = """
ServerRoot {folder}
ServerName {host}
PidFile {folder}/apache.pid
ErrorLog {folder}/error.log
DefaultRuntimeDir {folder}
Mutex file:{folder}
Listen {host}:{port}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule ssl_module {modules}/mod_ssl.so
LoadModule alias_module {modules}/mod_alias.so
User {user}
Group {group}
KeepAlive On
KeepAliveTimeout {milliseconds}ms
MaxKeepAliveRequests {requests}
DocumentRoot {folder}
SSLEngine on
SSLCertificateFile {chain}
SSLCertificateKeyFile {key}
RedirectMatch 302 ^/(.*)$ https://example.org/
"""

WSGI = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "9")])
    return [b"an object"]
"""

ASGI = """
async def application(scope, receive, send):
    if scope["type"] != "http":
        return
    headers = [(b"content-type", b"text/plain"), (b"content-length", b"9")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"an object"})
"""

NODE = """
const https = require("https"), fs = require("fs");
const [host, port, chain, key, timeout] = process.argv.slice(2);
const options = {cert: fs.readFileSync(chain), key: fs.readFileSync(key)};
const server = https.createServer(options, (request, response) => response.end("an object"));
server.keepAliveTimeout = Number(timeout);
server.listen(Number(port), host);
"""

GO = """
package main

import (
	"io"
	"net/http"
	"os"
	"time"
)

func main() {
	idle, err := time.ParseDuration(os.Args[4])
	if err != nil {
		panic(err)
	}
	answer := func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "an object") }
	server := http.Server{Addr: os.Args[1], Handler: http.HandlerFunc(answer), IdleTimeout: idle}
	panic(server.ListenAndServeTLS(os.Args[2], os.Args[3]))
}
"""


@dataclass(frozen=True)
class Limits:
    """What a server is configured with: seconds, requests a connection."""

    idle: float = 1.5
    requests: int = 1000


@dataclass(frozen=True)
class Place:
    """Where a server is to stand."""

    folder: Path
    port: int
    papers: Certificates

    def write(self, name: str, text: str, **values: object) -> Path:
        path = self.folder / name
        filled = text.format(
            folder=self.folder, host=HOST, port=self.port, chain=self.papers.chain, key=self.papers.key,
            bundle=self.papers.bundle, **values,
        ) if values else text  # fmt: skip
        path.write_text(filled, encoding="utf-8")
        return path


def nginx(place: Place, limits: Limits) -> list[str]:
    conf = place.write("nginx.conf", NGINX, idle=f"{limits.idle:g}", requests=limits.requests)
    return [tool("nginx"), "-p", str(place.folder), "-c", str(conf)]


def haproxy(place: Place, limits: Limits) -> list[str]:
    conf = place.write("haproxy.cfg", HAPROXY, milliseconds=round(limits.idle * 1000))
    return [tool("haproxy"), "-db", "-f", str(conf)]


def apache(place: Place, limits: Limits) -> list[str]:
    account = pwd.getpwnam("nobody")
    conf = place.write(
        "apache.conf", APACHE, milliseconds=round(limits.idle * 1000), requests=limits.requests,
        modules="/usr/lib/apache2/modules", user=account.pw_name, group=f"#{account.pw_gid}",
    )  # fmt: skip
    return [tool("apache2"), "-d", str(place.folder), "-f", str(conf), "-DFOREGROUND"]


def gunicorn(place: Place, limits: Limits) -> list[str]:
    place.write("objects.py", WSGI)
    return [
        tool("gunicorn"), "--chdir", str(place.folder), "-b", f"{HOST}:{place.port}", "-k", "gthread",
        "--threads", "12", "--keep-alive", f"{limits.idle:g}", "--certfile", str(place.papers.chain),
        "--keyfile", str(place.papers.key), "objects:application",
    ]  # fmt: skip


def uvicorn(place: Place, limits: Limits) -> list[str]:
    place.write("objects.py", ASGI)
    return [
        tool("uvicorn"), "--app-dir", str(place.folder), "--host", HOST, "--port", str(place.port),
        "--timeout-keep-alive", f"{limits.idle:g}", "--ssl-certfile", str(place.papers.chain),
        "--ssl-keyfile", str(place.papers.key), "objects:application",
    ]  # fmt: skip


def node(place: Place, limits: Limits) -> list[str]:
    script = place.write("objects.js", NODE)
    papers = place.papers
    timeout = f"{limits.idle * 1000:g}"
    return [tool("node"), str(script), HOST, str(place.port), str(papers.chain), str(papers.key), timeout]


def go(place: Place, limits: Limits) -> list[str]:
    source, program = place.write("objects.go", GO), place.folder / "objects"
    environment = {**os.environ, "GO111MODULE": "off", "GOFLAGS": "-p=1"}
    subprocess.run(
        [tool("go"), "build", "-o", str(program), str(source)],
        env=environment,
        check=True,
        timeout=540,
        capture_output=True,
    )
    papers = place.papers
    return [str(program), f"{HOST}:{place.port}", str(papers.chain), str(papers.key), f"{limits.idle}s"]


Server = tuple[int, "Path"]
"""Port, and the authority to trust."""


@contextlib.contextmanager
def running(make: Callable[[Place, Limits], list[str]], limits: Limits, folder: Path) -> Iterator[Server]:
    """Start a server on a free port; end it behind the block."""
    needs("root")
    folder.mkdir()
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    papers = certificates.make(folder, (HOST,))
    for path in (folder, papers.key):
        path.chmod(0o755)  # servers that give up root read them as somebody else
    command = make(Place(folder, port, papers), limits)
    output = (folder / "output").open("wb")
    with output, subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=folder) as process:
        try:
            _wait(process, port, papers.authority, folder)
            yield port, papers.authority
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait(process: subprocess.Popen[bytes], port: int, authority: Path, folder: Path) -> None:
    context = ssl.create_default_context(cafile=authority)
    for _ in range(150):
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError):
            plain = socket.create_connection((HOST, port), timeout=10)
            with plain, context.wrap_socket(plain, server_hostname=HOST):
                return
        time.sleep(0.1)
    pytest.fail("the server did not start: " + (folder / "output").read_text(encoding="utf-8")[-2000:])
