"""COUNT connections that fail, without TLS: PORT. What the server had read of each tells its first byte."""

import socket
import sys

port, count = int(sys.argv[1]), int(sys.argv[2])
for number in range(count):
    kind = b"abcd"[number % 4 :][:1]  # what the server does, and how much it is sent: see the test
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        try:
            connection.sendall(kind + b"x" * (1 + number % 7 * 100))
            if kind == b"c":
                connection.sendall(bytes(1 << 22))  # more than fits into both sides' buffers
            while connection.recv(65536):
                pass
        except OSError:
            pass
