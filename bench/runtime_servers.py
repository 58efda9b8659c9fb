"""Servers whose key log is true, beside ``tests.acquire.tls_server``: of gRPC, and of HTTP/3."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.asyncio.server import serve
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration

from tests.acquire.tls_server import TlsServer, certificate

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def grpc_server(folder: Path, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> Iterator[TlsServer]:
    """Serve ``/Echo/Say`` by grpcio; TLS ends before it, where its secrets are logged."""
    trusted, key = certificate(folder)
    peers: list[str] = []

    echo = [sys.executable, str(Path(__file__).with_name("runtime_clients") / "grpc_echo.py")]
    inner = subprocess.Popen(echo, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert inner.stdout is not None
    behind = int(inner.stdout.readline())
    threading.Thread(target=lambda: peers.extend(inner.stdout or ()), daemon=True).start()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = version
    context.load_cert_chain(trusted, key)
    context.set_alpn_protocols(["h2"])
    context.keylog_filename = str(folder / "truth.log")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=_accept, args=(listening, context, behind), daemon=True)
        thread.start()
        try:
            yield TlsServer(listening.getsockname()[1], trusted, folder / "truth.log", peers)
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(10)
            inner.kill()
            inner.wait()


def _accept(listening: socket.socket, context: ssl.SSLContext, behind: int) -> None:
    with contextlib.suppress(OSError):
        while True:
            plain, _ = listening.accept()
            threading.Thread(target=_serve, args=(plain, context, behind), daemon=True).start()


def _serve(plain: socket.socket, context: ssl.SSLContext, behind: int) -> None:
    with contextlib.suppress(OSError):
        plain.settimeout(60)
        tls = context.wrap_socket(plain, server_side=True)
        inside = socket.create_connection(("127.0.0.1", behind))
        threading.Thread(target=_pump, args=(inside, tls), daemon=True).start()
        _pump(tls, inside)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def quic_server(folder: Path, _: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> Iterator[TlsServer]:
    """Serve GET over HTTP/3 by aioquic."""
    trusted, key = certificate(folder)
    peers: list[str] = []

    class Server(QuicConnectionProtocol):
        def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - aioquic's
            super().__init__(*arguments, **named)
            self.http = H3Connection(self._quic)

        def quic_event_received(self, event: Any) -> None:  # noqa: ANN401
            for each in self.http.handle_event(event):
                if isinstance(each, HeadersReceived | DataReceived) and each.stream_ended:
                    peers.append("quic")
                    headers = [(b":status", b"200"), (b"content-length", b"6")]
                    self.http.send_headers(each.stream_id, headers)
                    self.http.send_data(each.stream_id, b"hello\n", end_stream=True)
                    self.transmit()

    loop = asyncio.new_event_loop()
    with (folder / "truth.log").open("w") as truth:
        configuration = QuicConfiguration(is_client=False, alpn_protocols=H3_ALPN, secrets_log_file=truth)
        configuration.load_cert_chain(trusted, key)
        starting = serve("127.0.0.1", 0, configuration=configuration, create_protocol=Server)
        server = loop.run_until_complete(starting)
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        try:
            transport = server._transport  # noqa: SLF001 - it does not say otherwise
            assert transport is not None
            port = transport.get_extra_info("sockname")[1]
            yield TlsServer(port, trusted, folder / "truth.log", peers)
        finally:
            loop.call_soon_threadsafe(server.close)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)
            loop.close()
