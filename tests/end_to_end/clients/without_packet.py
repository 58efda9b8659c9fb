"""Fails without a packet of its own: KIND (refused, no-route, reset).

``reset``: its own server resets each connection 0.2 s after the response; the next request leaves later.
"""

import http.client
import socket
import struct
import sys
import threading
import time

kind = sys.argv[1]


def reset_when_idle(listener: socket.socket) -> None:
    while True:
        with listener.accept()[0] as accepted:
            while b"\r\n\r\n" not in accepted.recv(4096):
                pass
            accepted.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            time.sleep(0.2)
            accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def ask(connection: http.client.HTTPConnection, count: int) -> int:
    failed = 0
    for number in range(count):
        try:
            connection.request("GET", f"/object-{number}")
            connection.getresponse().read()
        except OSError as error:
            failed += 1
            connection.close()
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
        time.sleep(0.6 if kind == "reset" else 0)
    return failed


if kind == "reset":
    server = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=reset_when_idle, args=(server,), daemon=True).start()
    failures = ask(http.client.HTTPConnection("127.0.0.1", server.getsockname()[1]), 4)
elif kind == "refused":
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    failures = ask(http.client.HTTPConnection("127.0.0.1", port), 20)
else:
    failures = ask(http.client.HTTPConnection("203.0.113.7", 80), 3)
sys.exit(1 if failures else 0)
