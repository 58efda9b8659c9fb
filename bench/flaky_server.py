"""An HTTPS server that resets some connections instead of answering, as its user decides.

It says what it did in its log: the truth that a hunt is held against.
"""

from __future__ import annotations

import contextlib
import http.server
import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: its number at this server, on its connection, and the idleness before it (seconds)."""

    number: int
    ordinal: int
    idle: float
    path: str


@dataclass(slots=True)
class Flaky:
    """A running server. ``spoiled``: the requests that it met with a reset, of all that were ``asked``."""

    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    spoiled: list[Asked] = field(default_factory=list)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server
    ordinal = 0
    answered = 0.0

    def do_GET(self) -> None:
        """Answer, or reset the connection with the request received."""
        self.ordinal += 1
        idle = time.monotonic() - self.answered if self.answered else 0.0
        with self.server.lock:
            asked = Asked(len(self.server.flaky.asked) + 1, self.ordinal, idle, self.path)
            self.server.flaky.asked.append(asked)
            spoilt = self.server.spoils(asked)
            if spoilt:
                self.server.flaky.spoiled.append(asked)
        if spoilt:
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            socket.close(self.connection.detach())
            return
        body = b"hello\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.answered = time.monotonic()

    def log_message(self, *_: object) -> None:
        """Keep quiet: the lists are the log."""


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, context: ssl.SSLContext, spoils: Callable[[Asked], bool]) -> None:
        self.context, self.spoils, self.flaky, self.lock = context, spoils, Flaky(), threading.Lock()
        super().__init__(("127.0.0.1", 0), _Handler)

    def finish_request(self, request: object, client_address: object) -> None:
        """In the connection's own thread."""
        assert isinstance(request, socket.socket)
        request.settimeout(60)
        with (
            contextlib.suppress(OSError, ValueError),
            self.context.wrap_socket(request, server_side=True) as tls,
        ):
            super().finish_request(tls, client_address)
            tls.unwrap()

    def handle_error(self, *_: object) -> None:
        """A client went away, or was sent away: nothing to be told."""


@contextlib.contextmanager
def flaky_server(certificate: Path, key: Path, spoils: Callable[[Asked], bool]) -> Iterator[Flaky]:
    """Serve GET on a free port of 127.0.0.1 until the block ends; ``spoils`` decides for each request."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with _Server(context, spoils) as server:
        server.flaky.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server.flaky
        finally:
            server.shutdown()
            thread.join(30)
