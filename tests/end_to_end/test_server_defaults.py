"""Defaults of servers are those of the installed ones, run without any setting of their own."""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest

from plainwire.diagnose.settings.table import SETTINGS
from tests.needs import tool
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOST = "127.0.0.1"
HAPROXY = """
defaults
    mode http
frontend plain
    bind {host}:{port}
    http-request return status 200
frontend two
    bind {host}:{second} proto h2
"""
APACHE = """
ServerRoot {folder}
ServerName {host}
PidFile {folder}/pid
ErrorLog {folder}/error
DefaultRuntimeDir {folder}
Mutex file:{folder}
Listen {host}:{port}
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
DocumentRoot {folder}
"""


def default(product: str, need: str) -> str:
    (row,) = (r for r in SETTINGS if (r.side, r.product, r.need) == ("server", product, need))
    return row.default


def free_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((HOST, port)):
        return True
    return False


@contextlib.contextmanager
def running(port: int, *command: object) -> Iterator[None]:
    with subprocess.Popen([str(word) for word in command], stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: listens(port))
            yield
        finally:
            process.terminate()


def answer(port: int, sent: bytes) -> bytes:
    with socket.create_connection((HOST, port), timeout=60) as connection:
        connection.sendall(sent)
        return connection.recv(4096)


def head(size: int) -> bytes:
    """A request of so many bytes."""
    start, end = b"GET / HTTP/1.1\r\nHost: a\r\nX: ", b"\r\n\r\n"
    return start + b"a" * (size - len(start) - len(end)) + end


@pytest.fixture
def apache(tmp_path: Path) -> Iterator[int]:
    port, written = free_port(), tmp_path / "conf"
    written.write_text(APACHE.format(folder=tmp_path, host=HOST, port=port))
    with running(port, tool("apache2"), "-f", written, "-X"):
        yield port


def test_apache_httpd(apache: int) -> None:
    told = re.search(
        rb"Keep-Alive: timeout=(\d+), max=(\d+)",
        answer(apache, b"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"),
    )
    assert told is not None
    assert default("Apache httpd", "idle limit") == f"{int(told[1])} s"
    assert default("Apache httpd", "requests per connection") == f"{int(told[2])}"
    limit = int(default("Apache httpd", "header size limit").split()[0])
    field = len(b"X: ")
    statuses = [
        answer(apache, b"GET / HTTP/1.1\r\nHost: a\r\nX: %s\r\n\r\n" % (b"a" * (size - field)))[9:12]
        for size in (limit, limit + 2)
    ]
    assert statuses == [b"404", b"400"]
    assert default("Apache httpd", "body size limit").startswith("1 GB")
    too_large = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % ((1 << 30) + 1)
    assert answer(apache, too_large)[9:12] == b"413"


def test_haproxy(tmp_path: Path) -> None:
    version = subprocess.check_output([tool("haproxy"), "-vv"], text=True)
    size = re.search(r"bufsize = (\d+), maxrewrite = (\d+)", version)
    assert size is not None
    assert default("HAProxy", "header size limit").startswith(f"{size[1]} bytes")
    port, second, written = free_port(), free_port(), tmp_path / "conf"
    written.write_text(HAPROXY.format(host=HOST, port=port, second=second))
    checked = subprocess.run(
        [tool("haproxy"), "-c", "-f", written], capture_output=True, text=True, check=True
    )
    assert "missing timeouts" in checked.stderr
    assert default("HAProxy", "upstream read timeout").startswith("none")
    with running(port, tool("haproxy"), "-db", "-q", "-f", written):
        usable = int(size[1]) - int(size[2])
        assert [answer(port, head(n))[9:12] for n in (usable - 400, usable + 1)] == [b"200", b"400"]
        settings = answer(second, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0")
    streams = int(default("HAProxy", "concurrent streams"))
    assert b"\0\3" + streams.to_bytes(4, "big") in settings  # SETTINGS_MAX_CONCURRENT_STREAMS
