"""An HTTPS server that does what the path of a request says: ``/reset``, ``/close``, ``/half-close``, ...

``/once`` is closed without an answer the first time, and answered from then on. To clients that want HTTP/2
alone (``serving(folder, http2=True)``) the same is done in its frames.
"""

from __future__ import annotations

import contextlib
import random
import socket
import ssl
import struct
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import h2.config
import h2.connection
import h2.events

from plainwire.lab import certificates

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

HOST = "127.0.0.1"
_LONGEST = 120  # seconds that anything waits
_UNTIL_RESET = 0.5
_FAREWELL = 0.3
"""Seconds that it waits for the client's close_notify: Java's HttpClient sends none before the FIN."""
_RESETTING = struct.pack("ii", 1, 0)
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 50
_CHUNK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n"
ANSWERS = {
    "ok": _OK,
    "half-reset": _HALF,
    "half-close": _HALF,
    "chunk-close": _CHUNK,
    "nonsense": b"this is not HTTP at all\r\n\r\n",
    "busy": b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
}


@dataclass(frozen=True)
class Misbehaving:
    port: int
    authority: Path
    plain_port: int
    """The same without TLS."""

    def url(self, fault: str) -> str:
        return f"https://{HOST}:{self.port}/{fault}"


@contextlib.contextmanager
def serving(folder: Path, *, http2: bool = False, as_service: bool = False) -> Iterator[Misbehaving]:
    """Serve until the block ends; ``as_service`` on a port below those of clients: a capture that begins late
    is read by that.
    """
    papers = certificates.make(folder, (HOST,))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if http2:
        context.set_alpn_protocols(["h2"])
    context.load_cert_chain(papers.chain, papers.key)
    over, struck = threading.Event(), threading.Event()
    with (
        _listener(range(20_000, 32_000) if as_service else ()) as listener,
        socket.create_server((HOST, 0), backlog=16) as plain,
    ):
        servers = [_started(listener, context, over, struck), _started(plain, None, over, struck)]
        try:
            yield Misbehaving(listener.getsockname()[1], papers.authority, plain.getsockname()[1])
        finally:
            over.set()
            for each in (listener, plain):
                each.shutdown(socket.SHUT_RDWR)
            for server in servers:
                server.join(_LONGEST)


def _listener(ports: Sequence[int]) -> socket.socket:
    for port in random.sample(ports, min(50, len(ports))):
        with contextlib.suppress(OSError):
            return socket.create_server((HOST, port), backlog=16)
    return socket.create_server((HOST, 0), backlog=16)


def _started(
    listener: socket.socket, context: ssl.SSLContext | None, over: threading.Event, struck: threading.Event
) -> threading.Thread:
    listener.settimeout(_LONGEST)
    server = threading.Thread(target=_accept, args=(listener, context, over, struck), daemon=True)
    server.start()
    return server


def _accept(
    listener: socket.socket, context: ssl.SSLContext | None, over: threading.Event, struck: threading.Event
) -> None:
    while not over.is_set():
        try:
            plain, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(plain, context, over, struck), daemon=True).start()


def _serve(
    plain: socket.socket, context: ssl.SSLContext | None, over: threading.Event, struck: threading.Event
) -> None:
    plain.settimeout(_LONGEST)
    with contextlib.suppress(OSError), _secured(plain, context) as connection:
        if isinstance(connection, ssl.SSLSocket) and connection.selected_alpn_protocol() == "h2":
            _serve_frames(connection, over)
            return
        while True:
            fault = _asked(connection)
            if fault == "once":
                fault = "ok" if struck.is_set() else "close"
                struck.set()
            if fault is None or not _treat(connection, fault, over):
                return


def _secured(plain: socket.socket, context: ssl.SSLContext | None) -> socket.socket:
    return plain if context is None else context.wrap_socket(plain, server_side=True)


def _asked(connection: socket.socket) -> str | None:
    """The fault that the next request asks for; None at the end."""
    text = b""
    while b"\r\n\r\n" not in text:
        piece = connection.recv(65536)
        if not piece:
            return None
        text += piece
    return text.split(b" ", 2)[1].decode().strip("/")


def _serve_frames(connection: ssl.SSLSocket, over: threading.Event) -> None:
    """One request in HTTP/2, as gRPC sends it."""
    http = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
    http.initiate_connection()
    connection.sendall(http.data_to_send())
    going_on = True
    while going_on and (data := connection.recv(65536)):
        fault = ""
        for event in http.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                fields = {str(name): str(value) for name, value in event.headers or ()}
                fault = fields[":path"].strip("/")
                _answer_frames(http, event.stream_id or 0, fault)
        connection.sendall(http.data_to_send() + (ANSWERS["nonsense"] if fault == "nonsense" else b""))
        going_on = not fault or _end(connection, fault, over)


def _answer_frames(http: h2.connection.H2Connection, stream: int, fault: str) -> None:
    if fault == "busy":
        http.send_headers(stream, [(":status", "503")], end_stream=True)
    elif fault.startswith("half"):
        http.send_headers(stream, [(":status", "200"), ("content-type", "application/grpc")])
        http.send_data(stream, b"\0\0\0\0\x64half of it")


def _treat(connection: socket.socket, fault: str, over: threading.Event) -> bool:
    """Whether the connection goes on."""
    connection.sendall(ANSWERS.get(fault, b""))
    return _end(connection, fault, over)


def _end(connection: socket.socket, fault: str, over: threading.Event) -> bool:
    """Whether the connection goes on."""
    if fault in {"ok", "busy"}:
        return True
    if fault.endswith("reset"):
        over.wait(
            _UNTIL_RESET if fault in ANSWERS else 0
        )  # a reset takes with it what the client has not read
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESETTING)
        connection.close()
    elif fault == "silence":
        over.wait(_LONGEST)
    else:
        connection.settimeout(_FAREWELL)
        with contextlib.suppress(OSError):
            (connection.unwrap() if isinstance(connection, ssl.SSLSocket) else connection).close()
    return False


@contextlib.contextmanager
def chatter(words: bytes) -> Iterator[list[int]]:
    """Meanwhile, one connection after the other, with ``words`` in clear text; counts them."""
    over, spoken = threading.Event(), [0]
    response = b"HTTP/1.1 500 No\r\nContent-Length: %d\r\n\r\n%s" % (len(words), words)
    request = b"GET /foreign HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n" % words

    def answer(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                peer, _ = listener.accept()
                with peer:
                    peer.recv(1000)
                    peer.sendall(response)

    def speak(port: int) -> None:
        while not over.wait(0.005):
            with socket.create_connection((HOST, port)) as connection:
                connection.sendall(request)
                connection.recv(1000)
            spoken[0] += 1

    with socket.create_server((HOST, 0)) as listener:
        listener.settimeout(_LONGEST)
        speaking = threading.Thread(target=speak, args=(listener.getsockname()[1],), daemon=True)
        speaking.start()
        threading.Thread(target=answer, args=(listener,), daemon=True).start()
        while not spoken[0]:
            time.sleep(0.01)
        yield spoken
        over.set()
        speaking.join(_LONGEST)
