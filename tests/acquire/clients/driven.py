"""A client that is told what to do: ``new`` makes a connection and asks, ``again`` asks on it once more.

driven.py PORT [ssl | curl_cffi | pyopenssl | awscrt | the path of a libssl]

It prints a line for each: its status.
"""

import ctypes
import socket
import ssl
import sys
from collections.abc import Callable
from typing import Any

PORT = int(sys.argv[1])
REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
sockets: list[socket.socket] = []
kept: list[tuple[Callable[[bytes], object], Callable[[int], bytes]]] = []


def status(read: Callable[[int], bytes]) -> str:
    answer = b""
    while not answer.endswith(b"hello\n"):
        answer += read(4096)
    return answer.split()[1].decode()


def by_ssl() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection = context.wrap_socket(socket.create_connection(("127.0.0.1", PORT)))
    kept[:] = [(connection.sendall, connection.recv)]


def by_pyopenssl() -> None:
    from OpenSSL import SSL  # noqa: PLC0415

    connection: Any = SSL.Connection(
        SSL.Context(SSL.TLS_METHOD), socket.create_connection(("127.0.0.1", PORT))
    )
    connection.set_connect_state()
    kept[:] = [(connection.sendall, connection.recv)]


def by_library(path: str) -> None:
    from openssl_by_ctypes import connected  # type: ignore[import-not-found]  # noqa: PLC0415 - beside this

    plain = socket.create_connection(("127.0.0.1", PORT))
    lib, _, session = connected(path, plain)
    buffer = ctypes.create_string_buffer(4096)

    def read(_: int) -> bytes:
        count = lib.SSL_read(session, buffer, len(buffer))
        assert count > 0
        return buffer.raw[:count]

    kept[:] = [(lambda data: lib.SSL_write(session, data, len(data)), read)]
    sockets.append(plain)


def awscrt_asking() -> Callable[[], str]:
    from awscrt import http, io  # noqa: PLC0415

    options = io.TlsContextOptions()
    options.verify_peer = False
    tls = io.ClientTlsContext(options).new_connection_options()
    threads = io.EventLoopGroup(1)
    bootstrap = io.ClientBootstrap(threads, io.DefaultHostResolver(threads))
    made = http.HttpClientConnection.new("127.0.0.1", PORT, bootstrap, tls_connection_options=tls)
    connection: Any = made.result(60)

    def ask() -> str:
        stream = connection.request(http.HttpRequest("GET", "/", http.HttpHeaders([("Host", "localhost")])))
        stream.activate()
        return str(stream.completion_future.result(60))

    return ask


def main(library: str = "ssl") -> None:
    if library == "curl_cffi":
        from curl_cffi import requests  # noqa: PLC0415

        session: Any = None

        def connect() -> None:
            nonlocal session
            session = requests.Session(verify=False)

        def ask() -> str:
            return str(session.get(f"https://127.0.0.1:{PORT}/").status_code)
    elif library == "awscrt":
        asking: Callable[[], str]

        def connect() -> None:
            nonlocal asking
            asking = awscrt_asking()

        def ask() -> str:
            return asking()
    else:
        known = {"ssl": by_ssl, "pyopenssl": by_pyopenssl}
        connect = known.get(library, lambda: by_library(library))

        def ask() -> str:
            kept[-1][0](REQUEST)
            return status(kept[-1][1])

    print("ready", flush=True)
    for word in sys.stdin:
        if word == "new\n":
            connect()
        print(ask(), flush=True)


main(*sys.argv[2:])
