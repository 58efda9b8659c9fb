"""A TLS server that minds what clients do: ``clients/planted.py`` does it."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes"
SEGMENT = 1460


@contextlib.contextmanager
def serving(certificate: Path) -> Iterator[int]:
    """Its port on loopback, as long as the block lasts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), connection:
                _one(connection, context)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _one(connection: socket.socket, context: ssl.SSLContext) -> None:
    connection.settimeout(60)
    head = connection.recv(5, socket.MSG_PEEK | socket.MSG_WAITALL)
    size = 5 + int.from_bytes(head[3:], "big")
    hello = connection.recv(size, socket.MSG_PEEK | socket.MSG_WAITALL)
    if size > SEGMENT or b"\x02h2" in hello or b"localhost" not in hello:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return
    with context.wrap_socket(connection, server_side=True) as secure:
        request = secure.recv(1 << 16)
        if b"X-Needed" in request:
            secure.sendall(ANSWER)
            secure.recv(1 << 16)  # a second request is read, and not answered
