"""Real servers with TLS on loopback, as little configured as possible, for healthy traffic."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from plainwire.lab import certificates

if TYPE_CHECKING:
    from collections.abc import Iterator

HOST = "127.0.0.1"
SEARCH_PATH = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin", "/sbin"))
FOLDER = Path(__file__).parent / "servers"
APACHE_MODULES = "/usr/lib/apache2/modules"

NGINX = """
daemon off; user root; pid {folder}/nginx.pid; error_log {folder}/error.log; events {{ }}
http {{
    access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{
        listen {host}:{port} ssl; ssl_certificate {chain}; ssl_certificate_key {key};
        default_type text/plain;
        location / {{ return 200 "an object\\n"; }}
    }}
}}
"""
HAPROXY = """
defaults
    mode http
    timeout client 30s
    timeout connect 5s
    timeout server 30s
frontend objects
    bind {host}:{port} ssl crt {bundle} alpn http/1.1
    http-request return status 200 content-type text/plain string "an object"
"""
APACHE = """
ServerName {host}
PidFile {folder}/apache.pid
DefaultRuntimeDir {folder}
Mutex file:{folder} default
ErrorLog {folder}/error.log
Listen {host}:{port}
LoadModule mpm_event_module {modules}/mod_mpm_event.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule alias_module {modules}/mod_alias.so
LoadModule socache_shmcb_module {modules}/mod_socache_shmcb.so
LoadModule ssl_module {modules}/mod_ssl.so
SSLEngine on
SSLCertificateFile {chain}
SSLCertificateKeyFile {key}
AliasMatch ^/ {folder}/object
<Directory {folder}>
    Require all granted
</Directory>
"""


class AbsentError(Exception):
    """The server is not installed here."""


def _tool(name: str) -> str:
    path = shutil.which(name, path=SEARCH_PATH)
    if path is None:
        message = f"no {name}"
        raise AbsentError(message)
    return path


def _package(name: str) -> None:
    if importlib.util.find_spec(name) is None:
        message = f"the Python package {name} is not installed"
        raise AbsentError(message)


def _command(name: str, folder: Path, port: int, papers: certificates.Certificates) -> list[str]:
    facts = {
        "folder": folder,
        "host": HOST,
        "port": port,
        "chain": papers.chain,
        "key": papers.key,
        "bundle": papers.bundle,
        "modules": APACHE_MODULES,
    }
    configuration = folder / f"{name}.conf"
    bind = f"{HOST}:{port}"
    match name:
        case "nginx":
            configuration.write_text(NGINX.format(**facts), encoding="utf-8")
            return [_tool("nginx"), "-p", str(folder), "-c", str(configuration)]
        case "haproxy":
            configuration.write_text(HAPROXY.format(**facts), encoding="utf-8")
            return [_tool("haproxy"), "-db", "-f", str(configuration)]
        case "apache":
            configuration.write_text(APACHE.format(**facts), encoding="utf-8")
            (folder / "object").write_bytes(b"an object\n" * 40)
            return [_tool("apache2"), "-X", "-d", str(folder), "-f", str(configuration)]
        case "node":
            return [_tool("node"), str(FOLDER / "object.mjs"), str(port), str(papers.chain), str(papers.key)]
        case "gunicorn":
            _package("gunicorn")
            workers = ["-k", "gthread", "--threads", "4", "--keep-alive", "5", "--chdir", str(FOLDER)]
            keys = ["--certfile", str(papers.chain), "--keyfile", str(papers.key)]
            return [sys.executable, "-m", "gunicorn", "-b", bind, *keys, *workers, "wsgi:application"]
    _package("uvicorn")
    keys = ["--ssl-certfile", str(papers.chain), "--ssl-keyfile", str(papers.key)]
    where = ["--host", HOST, "--port", str(port), "--app-dir", str(FOLDER)]
    return [sys.executable, "-m", "uvicorn", *where, *keys, "asgi:application"]


NAMES = ("nginx", "haproxy", "apache", "node", "gunicorn", "uvicorn")


@contextlib.contextmanager
def serving(name: str, folder: Path) -> Iterator[tuple[int, Path]]:
    """Run the server ``name``; yields its port and the authority's certificate. AbsentError without it."""
    folder.mkdir(parents=True)
    folder.chmod(0o755)  # apache's and nginx's workers are nobody in particular
    papers = certificates.make(folder, (HOST,))
    with socket.create_server((HOST, 0)) as probe:
        port: int = probe.getsockname()[1]
    command = _command(name, folder, port, papers)
    with (
        (folder / "output").open("wb") as output,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output) as process,
    ):
        try:
            _wait(process, port, papers.authority)
            yield port, papers.authority
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _wait(process: subprocess.Popen[bytes], port: int, authority: Path) -> None:
    context = ssl.create_default_context(cafile=str(authority))
    for _ in range(150):
        with contextlib.suppress(OSError):
            plain = socket.create_connection((HOST, port), timeout=5)
            with plain, context.wrap_socket(plain, server_hostname=HOST):
                return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    message = f"it did not start: {process.args!r}"
    raise AbsentError(message)
