"""A name server that loses the first of two questions, a server, and a client of the C library's resolver.

CAPTURE; for namespaces of its own, network and mount: it puts another resolv.conf in place.
"""

from __future__ import annotations

import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

NAME = "slow.example"
LAST = b"the last packet"
CONFIGURATION = "nameserver 127.0.0.1\noptions timeout:1 attempts:3\n"


def _answers(server: socket.socket) -> None:
    lost: set[bytes] = set()
    for _ in range(20):
        question, peer = server.recvfrom(2000)
        asked = question[12:]
        if asked not in lost:  # the first time
            lost.add(asked)
            continue
        four = asked.endswith(b"\0\x01\0\x01") or b"\0\x01\0\x01" in asked[:40]
        answer = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + bytes((127, 0, 0, 1)) if four else b""
        end = asked.index(b"\0") + 5
        header = question[:2] + struct.pack("!HHHHH", 0x8180, 1, 1 if four else 0, 0, 0)
        server.sendto(header + asked[:end] + answer, peer)


def main() -> None:
    """See the module."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.NamedTemporaryFile("w") as configuration:
        configuration.write(CONFIGURATION)
        configuration.flush()
        subprocess.run(["mount", "--bind", configuration.name, "/etc/resolv.conf"], check=True)
        names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        names.bind(("127.0.0.1", 53))
        threading.Thread(target=_answers, args=(names,), daemon=True).start()
        web = socket.create_server(("127.0.0.1", 0))
        command = ["tcpdump", "-i", "lo", "--immediate-mode", "-U", "-w", sys.argv[1]]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as capture:
            assert capture.stderr is not None
            while "listening on" not in capture.stderr.readline():
                assert capture.poll() is None
            began = time.monotonic()
            client = socket.create_connection((NAME, web.getsockname()[1]), timeout=20)
            waited = time.monotonic() - began
            accepted, _ = web.accept()
            client.sendall(b"GET / HTTP/1.1\r\nHost: slow.example\r\n\r\n")
            accepted.recv(1000)
            accepted.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            client.recv(1000)
            client.close()
            accepted.close()
            last = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            last.bind(("127.0.0.1", 0))
            last.sendto(LAST, last.getsockname())
            while LAST not in pathlib.Path(sys.argv[1]).read_bytes():
                time.sleep(0.05)
            capture.terminate()
        print(waited)


if __name__ == "__main__":
    main()
