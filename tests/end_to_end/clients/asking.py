"""Servers that ask for another handshake in the middle, and clients that take it in different ways.

``name port answer`` a line. Arguments: files with an authority's certificate, a server's chain, its key. The
servers are OpenSSL's own s_server, told on its standard input what to do, and Python's ssl.
"""

from __future__ import annotations

import contextlib
import http.client
import select
import socket
import ssl
import subprocess
import sys
import threading

AUTHORITY, CHAIN, KEY = sys.argv[1:]
ANSWER = "HTTP/1.1 200 OK\nContent-Length: 3\n\nok\n"
ANSWER_13 = b"HTTP/1.1 %b\r\nContent-Length: 0\r\n\r\n"
SECONDS = 20


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port: int = held.getsockname()[1]
    return port


def drive(server: subprocess.Popen[str], *, answers: bool) -> None:
    """Ask for a renegotiation when the request is there; answer the request then."""
    assert server.stdin is not None
    assert server.stdout is not None
    for line in server.stdout:
        if line.startswith("GET /"):
            server.stdin.write("r\n")
            server.stdin.flush()
        elif line.startswith("SSL_do_handshake") and answers:
            server.stdin.write(ANSWER)
            server.stdin.flush()


def by_openssl(name: str, client: ssl.SSLContext, *, answers: bool) -> None:
    port = free_port()
    command = ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", CHAIN, "-key", KEY]
    with subprocess.Popen(
        [*command, "-tls1_2", "-crlf"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        bufsize=1,
    ) as server:
        try:
            assert server.stdout is not None
            for line in server.stdout:
                if line.startswith("ACCEPT"):
                    break
            driver = threading.Thread(target=drive, args=(server,), kwargs={"answers": answers})
            driver.start()
            ask(name, port, client)
        finally:
            server.kill()
            server.wait()
        driver.join(SECONDS)


def by_python(name: str, client: ssl.SSLContext) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CHAIN, KEY)
    context.load_verify_locations(AUTHORITY)
    context.verify_mode, context.post_handshake_auth = ssl.CERT_OPTIONAL, True
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        connection.settimeout(SECONDS)
        with listener, context.wrap_socket(connection, server_side=True) as secure:
            secure.recv(4096)
            secure.sendall(ANSWER_13 % (b"200 OK" if certified(secure) else b"403 Forbidden"))
            with contextlib.suppress(OSError):
                secure.recv(1)  # until the client ends

    server = threading.Thread(target=serve)
    server.start()
    ask(name, listener.getsockname()[1], client)
    server.join(SECONDS)


def certified(secure: ssl.SSLSocket) -> bool:
    """Ask for a certificate now; whether one came."""
    try:
        secure.verify_client_post_handshake()
    except ssl.SSLError:
        return False  # this client did not offer it
    secure.do_handshake()
    select.select([secure], [], [], SECONDS)
    secure.settimeout(0)
    with contextlib.suppress(ssl.SSLWantReadError):
        secure.recv(1)
    secure.settimeout(SECONDS)
    return bool(secure.getpeercert())


def ask(name: str, port: int, context: ssl.SSLContext) -> None:
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=SECONDS)
    try:
        connection.request("GET", f"/{name}")
        response = connection.getresponse()
        response.read()
        print(name, port, response.status, flush=True)
    except OSError as error:
        print(name, port, type(error).__name__, flush=True)
    finally:
        connection.close()


def client(*, offers: bool = False, certificate: bool = False, refuses: bool = False) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=AUTHORITY)
    context.post_handshake_auth = offers
    if certificate:
        context.load_cert_chain(CHAIN, KEY)
    if refuses:
        context.options |= ssl.OP_NO_RENEGOTIATION
    return context


by_openssl("refused", client(refuses=True), answers=False)
by_openssl("renegotiated", client(), answers=True)
by_python("empty", client(offers=True))
by_python("certified", client(offers=True, certificate=True))
by_python("not-offered", client())
