"""A real nginx with TLS on loopback, for the benchmarks."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from plainwire.lab import certificates

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SYSTEM_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"))
START_SECONDS = 20.0

CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 1000000;
    keepalive_timeout 300s;
    server {{
        listen 127.0.0.1:{port} ssl;
        server_name localhost;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_certificate {chain};
        ssl_certificate_key {key};
        default_type application/json;
        add_header X-Trans-Id $request_id always;
        add_header Cache-Control "no-store" always;
        add_header Strict-Transport-Security "max-age=31536000" always;
        location /v1/objects/ {{
            if ($request_method = PUT) {{ return 201 '{{"stored": "$uri", "transaction": "$request_id"}}'; }}
            return 200 '{{"name": "$uri", "transaction": "$request_id", "owner": "AUTH_acme", "bytes": 48213,
 "content_type": "application/octet-stream", "hash": "9a0364b9e99bb480dd25e1f0284c8555",
 "tags": ["backup", "weekly"], "links": {{"self": "$uri", "container": "/v1/objects"}}}}';
        }}
        location /v1/missing/ {{ return 404 '{{"error": "no such object", "transaction": "$request_id"}}'; }}
        location /download/ {{ default_type application/octet-stream; alias {folder}/; }}
    }}
}}
"""


def command(name: str) -> str:
    """Return the path of a command, also where Debian keeps those of administrators; exit without it."""
    path = shutil.which(name, path=SYSTEM_PATH)
    if path is None:
        sys.exit(f"{name} is missing (make system)")
    return path


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[tuple[int, Path]]:
    """Serve ``/v1/objects/NAME`` (small JSON) and ``/download/NAME`` (files in ``folder``).

    Yields the port and the authority's certificate. nginx ends with the ``with`` block.
    """
    files = certificates.make(folder, ("localhost", "127.0.0.1"))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    configuration = folder / "nginx.conf"
    configuration.write_text(
        CONFIGURATION.format(folder=folder, port=port, chain=files.chain, key=files.key), encoding="utf-8"
    )
    server = subprocess.Popen(
        [command("nginx"), "-c", str(configuration), "-e", str(folder / "error.log")],
        stdin=subprocess.DEVNULL,
    )
    try:
        _wait_until_open(port, server)
        yield port, files.authority
    finally:
        server.terminate()
        server.wait(timeout=START_SECONDS)


def _wait_until_open(port: int, server: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.02)
    sys.exit("nginx did not start")
