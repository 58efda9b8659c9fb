"""Commands that repeat a request, run against a server that notes what it gets."""

from __future__ import annotations

import http.server
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, ClassVar

import pytest

from plainwire.export import repeat
from plainwire.model import Connection, Endpoint, Exchange, Request
from tests.needs import tool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HEADERS = [
    ("Host", "storage.example"),
    ("Authorization", "Bearer hunter2"),
    ("X-Odd", 'it\'s "quoted" $HOME `id`'),
    ("Content-Type", "application/json"),
    ("Content-Length", "1"),
]
TARGET = "/a/../b?token=hunter2&x=[1]&y={z}"


class _Noting(http.server.BaseHTTPRequestHandler):
    seen: ClassVar[list[tuple[str, str, dict[str, str], bytes]]] = []

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.seen.append((self.command, self.path, dict(self.headers), body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing: the test looks for itself."""


@pytest.fixture
def server() -> Iterator[Endpoint]:
    _Noting.seen.clear()
    with http.server.HTTPServer(("127.0.0.1", 0), _Noting) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield Endpoint("127.0.0.1", serving.server_port)
        serving.shutdown()
        thread.join()


def exchange(server: Endpoint, body: bytes) -> tuple[Exchange, Connection]:
    request = Request("PUT", TARGET, "HTTP/1.1", HEADERS, 0, 0, body_size=len(body), body=body)
    connection = Connection(1, Endpoint("127.0.0.1", 5000), server, 1, 0)
    return Exchange(1, 1, 1, request, None, "unanswered"), connection


def _curl(found: Exchange, connection: Connection) -> list[str]:
    tool("curl")
    return ["sh", "-c", repeat.curl(found, connection, secrets=True)]


def _python(found: Exchange, connection: Connection) -> list[str]:
    return [sys.executable, "-c", repeat.python(found, connection, secrets=True)]


@pytest.mark.parametrize("write", [_curl, _python], ids=["curl", "python"])
@pytest.mark.parametrize("body", [b'{"it\'s": "$HOME"}\n', b"\x00\xff binary \x80"], ids=["text", "binary"])
def test_the_server_gets_the_same_request_again(
    write: Callable[[Exchange, Connection], list[str]], body: bytes, server: Endpoint
) -> None:
    done = subprocess.run(write(*exchange(server, body)), capture_output=True, check=True, timeout=60)
    assert b"200" in done.stdout
    ((method, path, headers, got),) = _Noting.seen
    assert (method, path, got) == ("PUT", TARGET, body)
    for name, value in HEADERS[:-1]:
        assert headers[name] == value


def test_secrets_are_hidden_unless_they_are_asked_for(server: Endpoint) -> None:
    found = exchange(server, b'{"password": "hunter2"}')
    for write in (repeat.curl, repeat.python):
        assert "hunter2" not in write(*found)
        assert write(*found, secrets=True).count("hunter2") == 3


def test_a_response_that_nothing_asked_for_cannot_be_repeated(server: Endpoint) -> None:
    found, connection = exchange(server, b"")
    found.request = None
    with pytest.raises(ValueError, match="no request"):
        repeat.curl(found, connection)
