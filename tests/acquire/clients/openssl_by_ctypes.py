"""One handshake and request through a libssl that is bound at run time, each library handle its own.

Arguments: port, certificate, then paths of libssl; or ``python`` for the interpreter's own ssl module.
"""

import contextlib
import ctypes
import socket
import ssl
import sys
from pathlib import Path


def by_python(port: int, certificate: str) -> bytes:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(certificate)
    plain = socket.create_connection(("127.0.0.1", port))
    with context.wrap_socket(plain, server_hostname="localhost") as tls:
        tls.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return tls.recv(4096)


def loaded(path: str) -> ctypes.CDLL:
    """In some wheels libraries do not say where those lie that they need."""
    for _ in range(8):
        with contextlib.suppress(OSError):
            return ctypes.CDLL(path)
        for companion in Path(path).parent.glob("lib*.so*"):
            if not companion.name.startswith(("libssl", "libpq", "libldap")):
                with contextlib.suppress(OSError):
                    ctypes.CDLL(str(companion))
    return ctypes.CDLL(path)


def connected(path: str, plain: socket.socket) -> tuple[ctypes.CDLL, ctypes.c_void_p, ctypes.c_void_p]:
    """The library, and a context and a session of its, after the handshake."""
    lib = loaded(path)
    method = "TLS_client_method"
    if not hasattr(lib, method):  # OpenSSL 1.0
        lib.SSL_library_init()
        method = "SSLv23_client_method"
    for name in (method, "SSL_CTX_new", "SSL_new"):
        getattr(lib, name).restype = ctypes.c_void_p
    context = ctypes.c_void_p(lib.SSL_CTX_new(ctypes.c_void_p(getattr(lib, method)())))
    session = ctypes.c_void_p(lib.SSL_new(context))
    assert lib.SSL_set_fd(session, plain.fileno()) == 1
    assert lib.SSL_connect(session) == 1, path
    return lib, context, session


def by_library(path: str, port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port)) as plain:
        lib, context, session = connected(path, plain)
        request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
        assert lib.SSL_write(session, request, len(request)) == len(request)
        buffer = ctypes.create_string_buffer(4096)
        count = lib.SSL_read(session, buffer, len(buffer))
        lib.SSL_free(session)
        lib.SSL_CTX_free(context)
        return buffer.raw[:count]


if __name__ == "__main__":
    for path in sys.argv[3:]:
        port = int(sys.argv[1])
        answer = by_python(port, sys.argv[2]) if path == "python" else by_library(path, port)
        print(answer.split(b"\r\n")[0].decode())
