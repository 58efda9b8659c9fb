"""A client that asks a slow responder in clear text before it goes on with its handshake: the status it got.

Arguments: files with an authority's certificate, a server's chain, its key. All ends are in this program.
"""

from __future__ import annotations

import http.client
import http.server
import socket
import ssl
import sys
import threading
import time

AUTHORITY, CHAIN, KEY = sys.argv[1:]
SECONDS, SLOW = 20, 0.5
REQUEST = b"GET /after HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"


class Responder(http.server.BaseHTTPRequestHandler):
    """Answers as an OCSP responder does, later."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(SLOW)
        self.send_response(200)
        self.send_header("Content-Type", "application/ocsp-response")
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"\x30\x03\x0a\x01\x06")  # unauthorized (RFC 6960 section 2.3)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def serve(listener: socket.socket) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CHAIN, KEY)
    connection, _ = listener.accept()
    connection.settimeout(SECONDS)
    with context.wrap_socket(connection, server_side=True) as secure:
        secure.recv(4096)
        secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def ask(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    headers = {"Content-Type": "application/ocsp-request"}
    connection.request("POST", "/", b"\x30\x00", headers)
    connection.getresponse().read()
    connection.close()


def main() -> None:
    responder = http.server.HTTPServer(("127.0.0.1", 0), Responder)
    threading.Thread(target=responder.handle_request, daemon=True).start()
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=serve, args=(listener,), daemon=True).start()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context(cafile=AUTHORITY)
    client = context.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    with socket.create_connection(listener.getsockname(), timeout=SECONDS) as wire:
        while True:
            try:
                client.do_handshake()
                break
            except ssl.SSLWantReadError:
                wire.sendall(outgoing.read())
                incoming.write(wire.recv(65536))
        ask(responder.server_port)  # the client has the certificate, and has not sent its Finished yet
        client.write(REQUEST)
        wire.sendall(outgoing.read())
        while True:
            try:
                print(client.read(65536).split(b"\r\n")[0].decode())
                break
            except ssl.SSLWantReadError:
                incoming.write(wire.recv(65536))
        while wire.recv(65536):  # up to the server's end: neither side is to meet a reset
            pass


main()
