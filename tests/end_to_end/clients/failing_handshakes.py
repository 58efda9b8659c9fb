"""Servers whose handshakes fail in different ways, and a client that tries each: ``name port error`` a line.

Arguments: a folder for certificates and keys.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import http.client
import socket
import ssl
import struct
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Callable

Pair = tuple[ec.EllipticCurvePrivateKey, x509.Certificate]
FOLDER = Path(sys.argv[1])
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


def make(name: str, first: int, last: int, issuer: Pair | None = None, *, authority: bool = False) -> Pair:
    """A certificate for localhost, from day ``first`` to day ``last`` from now."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = dt.datetime.now(dt.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[1].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + dt.timedelta(days=first))
        .not_valid_after(now + dt.timedelta(days=last))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
    )
    return key, builder.sign(issuer[0] if issuer else key, hashes.SHA256())


def pem(name: str, pair: Pair, *more: x509.Certificate) -> Path:
    """The key, its certificate and others, in a file."""
    private = pair[0].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    chain = b"".join(c.public_bytes(serialization.Encoding.PEM) for c in (pair[1], *more))
    path = FOLDER / f"{name}.pem"
    path.write_bytes(private + chain)
    return path


def serve(handle: Callable[[socket.socket], None]) -> int:
    """Hand each connection to ``handle``, on a free port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        while True:
            connection, _ = listener.accept()
            with connection, contextlib.suppress(OSError):
                handle(connection)

    threading.Thread(target=run, daemon=True).start()
    port: int = listener.getsockname()[1]
    return port


def tls(path: Path, *, ask: bool = False, version: ssl.TLSVersion | None = None) -> int:
    """A server that speaks TLS, and may want a client's certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    if ask:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(FOLDER / "root.pem")
    if version is not None:
        context.minimum_version = version

    def handle(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secure:
            secure.recv(4096)
            secure.sendall(ANSWER)

    return serve(handle)


def reset(connection: socket.socket) -> None:
    """A RST in answer to the ClientHello."""
    connection.recv(4096)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def close(connection: socket.socket) -> None:
    """A FIN in answer to it."""
    connection.recv(4096)


def clear(connection: socket.socket) -> None:
    """HTTP without TLS."""
    connection.recv(4096)
    connection.sendall(ANSWER.replace(b"200 OK", b"400 Bad Request"))


def unused() -> int:
    """A port at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port: int = held.getsockname()[1]
    return port


def attempt(name: str, port: int, newest: ssl.TLSVersion | None = None) -> None:
    """One request, and what came of it."""
    context = ssl.create_default_context(cafile=FOLDER / "root.pem")
    if newest is not None:
        context.maximum_version = newest
    client = http.client.HTTPSConnection("localhost", port, context=context, timeout=20)
    try:
        client.request("GET", "/")
        print(name, port, client.getresponse().status)
    except OSError as error:
        print(name, port, type(error).__name__)


def main() -> None:
    """Try all."""
    root = make("root", -10, 100, authority=True)
    between = make("between", -10, 100, root, authority=True)
    (FOLDER / "root.pem").write_bytes(root[1].public_bytes(serialization.Encoding.PEM))
    leaf = make("localhost", -1, 10, between)
    full, short = pem("full", leaf, between[1]), pem("short", leaf)
    attempt("healthy", tls(full))
    attempt("short", tls(short))
    attempt("expired", tls(pem("expired", make("localhost", -20, -3, between), between[1])))
    attempt("early", tls(pem("early", make("localhost", 2, 30, between), between[1])))
    attempt("client-certificate", tls(full, ask=True))
    attempt("version", tls(full, version=ssl.TLSVersion.TLSv1_3), ssl.TLSVersion.TLSv1_2)
    for name, handle in (("reset", reset), ("close", close), ("clear", clear)):
        attempt(name, serve(handle))
    attempt("refused", unused())


if __name__ == "__main__":
    main()
