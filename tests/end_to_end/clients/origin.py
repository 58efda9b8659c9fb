"""An origin server (clear text, HTTP/1.1): one text in many codings, and messages of the rarer forms.

LISTENING-DESCRIPTOR; ``/coded/br/gzip`` is coded with br first and gzip then; ``deflate-raw`` is what some
servers send as ``deflate``: no zlib wrapper around it. ``/events`` is a stream of events that ends,
``/endless`` one that does not; ``/trailers`` a chunked body with trailers, ``/hints`` comes behind an
interim response, ``/old`` ends with the connection. A POST with ``Expect: 100-continue`` is answered with
100 and then 200, one to ``/unwanted`` with 417 at once.
"""

from __future__ import annotations

import gzip
import http.server
import socket
import sys
import time
import zlib

import brotli
import zstandard

TEXT = b"".join(b"line %d of an object\n" % number for number in range(5_000))
EVENTS = 5
"""Of ``/events``; ``/endless`` sends as many at once and then none."""


def _raw(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


CODINGS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "deflate-raw": _raw,
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}


class Handler(http.server.BaseHTTPRequestHandler):
    """See the module."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing on standard error."""

    def do_GET(self) -> None:
        """Answer by the target."""
        forms = {
            "/events": self._events,
            "/endless": self._endless,
            "/trailers": self._trailers,
            "/hints": self._hints,
            "/old": self._old,
        }
        forms.get(self.path, self._coded)()

    def do_POST(self) -> None:
        """Take all of the body."""
        left = int(self.headers["Content-Length"])
        while left:
            left -= len(self.rfile.read(min(left, 65_536)))
        self._head("Content-Length: 6")
        self.wfile.write(b"taken\n")

    def handle_expect_100(self) -> bool:
        """Refuse, or send the interim response."""
        if self.path != "/unwanted":
            return super().handle_expect_100()
        self._head("Content-Length: 0", "Connection: close", status=417)
        return False

    def _head(self, *fields: str, status: int = 200) -> None:
        self.send_response(status)
        for field in fields:
            self.send_header(*field.split(": "))
        self.end_headers()

    def _coded(self) -> None:
        names = [name for name in self.path.removeprefix("/coded").split("/") if name]
        body = TEXT
        for name in names:
            body = CODINGS[name](body)
        codings = ", ".join(name.removesuffix("-raw") for name in names)
        fields = [f"Content-Encoding: {codings}"] if names else []
        self._head("Content-Type: text/plain", f"Content-Length: {len(body)}", *fields)
        self.wfile.write(body)

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

    def _some_events(self) -> None:
        self._head("Content-Type: text/event-stream", "Transfer-Encoding: chunked")
        for number in range(EVENTS):
            self._chunk(b": a comment\nid: %d\ndata: one\ndata: two\n\n" % number)

    def _events(self) -> None:
        self._some_events()
        self.wfile.write(b"0\r\n\r\n")

    def _endless(self) -> None:
        self._some_events()
        time.sleep(60)

    def _trailers(self) -> None:
        self._head("Content-Type: text/plain", "Transfer-Encoding: chunked")
        self._chunk(b"content\n")
        self.wfile.write(b"0\r\nX-Checksum: 7\r\nX-Left: nothing\r\n\r\n")

    def _hints(self) -> None:
        self.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n")
        self._head("Content-Length: 5")
        self.wfile.write(b"here\n")

    def _old(self) -> None:
        self.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nto the end\n")
        self.close_connection = True


class Server(http.server.ThreadingHTTPServer):
    """On a socket that listens already."""

    daemon_threads = True

    def __init__(self, descriptor: int) -> None:
        super().__init__(("", 0), Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = socket.socket(fileno=descriptor)


if __name__ == "__main__":
    Server(int(sys.argv[1])).serve_forever()
