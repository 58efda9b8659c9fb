"""A TLS server whose own key log is the truth that the interposer's lines are held against."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import http.server
import ipaddress
import random
import socket
import ssl
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class TlsServer:
    """A running server. ``certificate`` is what a client is to trust."""

    port: int
    certificate: Path
    key_log: Path
    peers: list[str]
    """Addresses of the clients that it has served, ``ip:port``."""

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}/"

    def secrets(self) -> set[str]:
        """The lines that any client must have logged as well."""
        return key_lines(self.key_log)


def key_lines(path: Path) -> set[str]:
    """Lines of a key log. The exporter secret is left out: OpenSSL's two sides do not agree to log it."""
    lines = path.read_text().splitlines()
    return {line for line in lines if line and not line.startswith(("#", "EXPORTER_SECRET "))}


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(self, peers: list[str], *arguments: object) -> None:
        self.peers = peers
        super().__init__(*arguments)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        self.peers.append("{}:{}".format(*self.client_address))
        body = b"hello\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, context: ssl.SSLContext, peers: list[str]) -> None:
        """On a port below those of clients, as services have: a capture that begins late is read by that."""
        self.context = context
        for port in (*random.sample(range(20_000, 32_000), 50), 0):
            with contextlib.suppress(OSError):
                super().__init__(("127.0.0.1", port), functools.partial(_Handler, peers))
                break

    def finish_request(self, request: object, client_address: object) -> None:
        """In the connection's own thread: a client that does not come to the point holds nobody up."""
        assert isinstance(request, socket.socket)
        request.settimeout(60)
        with contextlib.suppress(OSError), self.context.wrap_socket(request, server_side=True) as tls:
            super().finish_request(tls, client_address)

    def handle_error(self, *_: object) -> None:
        pass


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a self-signed certificate for localhost and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "server.pem").write_bytes(made.public_bytes(pem))
    plain = serialization.NoEncryption()
    (folder / "server.key").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.TraditionalOpenSSL, plain)
    )
    return folder / "server.pem", folder / "server.key"


@contextlib.contextmanager
def tls_server(folder: Path, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> Iterator[TlsServer]:
    """Serve GET on a free port of 127.0.0.1, with one version of TLS, until the block ends."""
    trusted, key = certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = version
    context.load_cert_chain(trusted, key)
    context.keylog_filename = str(folder / "truth.log")
    peers: list[str] = []
    with _Server(context, peers) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield TlsServer(server.server_address[1], trusted, folder / "truth.log", peers)
        finally:
            server.shutdown()
            thread.join(30)
