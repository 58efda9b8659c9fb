"""WebSockets over TLS that end as they should not: frames are written by hand, as no library would write
some.

Truth and life are those of the object store of ``http1_server``; each upgrade is a request of the log.
"""

from __future__ import annotations

import base64
import hashlib
import re
import time
from typing import TYPE_CHECKING

from plainwire.lab.behaviour import SocketFault
from plainwire.lab.http1_session import RECEIVE_SIZE
from plainwire.lab.tls_server import TlsServer, run

if TYPE_CHECKING:
    import ssl

_KEY = re.compile(rb"^Sec-WebSocket-Key:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455 section 1.3."""

_TEXT, _CLOSE, _PING = 0x1, 0x8, 0x9
_NORMAL, _POLICY = 1000, 1008


def frame(opcode: int, payload: bytes) -> bytes:
    """A short frame of a server, which masks nothing (RFC 6455 section 5.2)."""
    return bytes([0x80 | opcode, len(payload)]) + payload


def _close(code: int, reason: str) -> bytes:
    return frame(_CLOSE, code.to_bytes(2, "big") + reason.encode())


class WebSocketServer(TlsServer):
    """What all connections share."""

    def talk(self, tls: ssl.SSLSocket, peer: str) -> None:
        """Answer one upgrade, and do to the WebSocket what is ordered."""
        head = b""
        while b"\r\n\r\n" not in head:
            received = tls.recv(RECEIVE_SIZE)
            if not received:
                return
            head += received
        key = _KEY.search(head)
        number = self.next_number()
        fault = self.behaviour.sockets.get(number, SocketFault.NONE)
        target = head.split(b" ", 2)[1].decode("latin-1")
        self.truth.write("request", peer, number=number, method="GET", target=target, fault=fault)
        if fault is SocketFault.REFUSED or key is None:
            tls.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        accept = base64.b64encode(hashlib.sha1(key[1] + _GUID).digest())  # noqa: S324 - the RFC's own
        tls.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n" + frame(_TEXT, b"hello")
        )
        self._end(tls, fault)

    def _end(self, tls: ssl.SSLSocket, fault: SocketFault) -> None:
        """Take the client's greeting; then do what is ordered."""
        tls.recv(RECEIVE_SIZE)
        match fault:
            case SocketFault.POLICY:
                tls.sendall(_close(_POLICY, "policy: token expired"))
                tls.recv(RECEIVE_SIZE)
            case SocketFault.SILENT:
                time.sleep(self.behaviour.delay)
            case SocketFault.NO_PONG:
                tls.sendall(frame(_PING, b"are you there"))
                time.sleep(self.behaviour.delay)
            case _:
                tls.sendall(_close(_NORMAL, "done"))
                tls.recv(RECEIVE_SIZE)
        tls.settimeout(1)
        tls.unwrap()


if __name__ == "__main__":
    run(WebSocketServer)
