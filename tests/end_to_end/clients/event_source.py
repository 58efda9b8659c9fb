"""A server of event streams, and a client that reads them to their end, or their failure.

``serve DESCRIPTOR``: /silent sends two events and then nothing for long; /whole ends with ``[DONE]``; /early
lacks that; /error reports an error. ``read VERSION URL...``: with httpx, 1 or 2 of HTTP; a line for each.
"""

from __future__ import annotations

import socket
import sys
import threading
import time

import httpx

EVENT = 'data: {"object":"chat.completion.chunk","choices":[{"delta":{},"finish_reason":null}]}\n\n'
ENDINGS = {
    "/whole": "data: [DONE]\n\n",
    "/early": "",
    "/error": 'data: {"error":{"message":"The model is overloaded"}}\n\n',
}
_LONG = 30


def _chunk(text: str) -> bytes:
    return f"{len(text):x}\r\n{text}\r\n".encode()


def _answer(connection: socket.socket) -> None:
    with connection:
        head = b""
        while b"\r\n\r\n" not in head:
            received = connection.recv(65536)
            if not received:
                return
            head += received
        target = head.split(b" ", 2)[1].decode()
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"
            b"Connection: close\r\n\r\n" + _chunk(EVENT)
        )
        time.sleep(0.2)
        connection.sendall(_chunk(EVENT))
        if target not in ENDINGS:
            time.sleep(_LONG)
            return
        ending = ENDINGS[target]
        connection.sendall((_chunk(ending) if ending else b"") + b"0\r\n\r\n")


def _serve(descriptor: int) -> None:
    listener = socket.socket(fileno=descriptor)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_answer, args=(connection,), daemon=True).start()


def _read(version: str, urls: list[str]) -> None:
    two = version == "2"
    with httpx.Client(http1=not two, http2=two, verify=False, trust_env=False, timeout=30) as client:
        for url in urls:
            try:
                with client.stream("GET", url) as response:
                    print(len(list(response.iter_lines())))
            except httpx.HTTPError as error:
                print(type(error).__name__)


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        _serve(int(sys.argv[2]))
    else:
        _read(sys.argv[2], sys.argv[3:])
