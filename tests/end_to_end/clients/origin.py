"""An origin server (clear text, HTTP/1.1) that sends one text in the codings that the target names.

LISTENING-DESCRIPTOR; ``/br/gzip`` is coded with br first and gzip then. ``/deflate-raw`` is what some servers
send as ``deflate``: no zlib wrapper around it.
"""

import gzip
import http.server
import socket
import sys
import zlib

import brotli
import zstandard

TEXT = b"".join(b"line %d of an object\n" % number for number in range(5_000))


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
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        names = [name for name in self.path.split("/") if name]
        body = TEXT
        for name in names:
            body = CODINGS[name](body)
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        if names:
            self.send_header("Content-Encoding", ", ".join(name.removesuffix("-raw") for name in names))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, descriptor: int) -> None:
        super().__init__(("", 0), Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = socket.socket(fileno=descriptor)


if __name__ == "__main__":
    Server(int(sys.argv[1])).serve_forever()
