"""Handshakes by pyOpenSSL, whose OpenSSL is inside `cryptography`: some in threads, some in forks."""

import os
import socket
import sys
import threading

from OpenSSL import SSL

port, threads, forks = int(sys.argv[1]), int(sys.argv[3]), int(sys.argv[4])


def ask() -> None:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    connection = SSL.Connection(context, socket.create_connection(("127.0.0.1", port)))
    connection.set_connect_state()
    connection.do_handshake()
    connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert connection.recv(15) == b"HTTP/1.1 200 OK"


started = [threading.Thread(target=ask) for _ in range(threads)]
for thread in started:
    thread.start()
for thread in started:
    thread.join()
for _ in range(forks):
    child = os.fork()
    if child == 0:
        ask()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
print("done")
