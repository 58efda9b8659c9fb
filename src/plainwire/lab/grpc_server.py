"""A gRPC service over TLS whose calls fail: HTTP/2 of the package h2, frames of gRPC by hand.

grpcio has a TLS library of its own, whose secrets nobody outside can have. Truth and life are those of the
object store of ``http1_server``; events of requests have the stream's number too.
"""

from __future__ import annotations

import contextlib
import re
import socket
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import RequestReceived, StreamEnded

from plainwire.lab.behaviour import Behaviour, CallFault
from plainwire.lab.http1_server import Truth, end_with_parent, server_context
from plainwire.lab.http1_session import RECEIVE_SIZE

if TYPE_CHECKING:
    import ssl

MESSAGE = b"\0\0\0\0\x05hello"
_HEAD = [(":status", "200"), ("content-type", "application/grpc")]
_TIMEOUT = re.compile(r"(\d+)m")
_ENDINGS = {
    CallFault.NONE: [("grpc-status", "0")],
    CallFault.UNAVAILABLE: [("grpc-status", "14"), ("grpc-message", "database is restarting")],
    CallFault.EXHAUSTED: [
        ("grpc-status", "8"),
        ("grpc-message", "Received message larger than max (5 vs. 4)"),
    ],
    CallFault.OVERDUE: [("grpc-status", "4"), ("grpc-message", "Deadline Exceeded")],
    CallFault.TOO_MANY_PINGS: [("grpc-status", "14"), ("grpc-message", "Too many pings")],
}


class GrpcSession:
    """One connection."""

    def __init__(self, tls: ssl.SSLSocket, peer: str, service: GrpcServer) -> None:
        self._tls = tls
        self._peer = peer
        self._service = service
        self._http = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self._asked: dict[int, dict[str, str]] = {}

    def serve(self) -> None:
        """Answer calls until one of the two ends hangs up."""
        self._http.initiate_connection()
        over = False
        while not over:
            self._tls.sendall(self._http.data_to_send())
            data = self._tls.recv(RECEIVE_SIZE)
            if not data:
                return
            for event in self._http.receive_data(data):
                if isinstance(event, RequestReceived):
                    fields = {str(name): str(value) for name, value in event.headers or ()}
                    self._asked[event.stream_id or 0] = fields
                if isinstance(event, StreamEnded) and not over:
                    over = self._answer(event.stream_id or 0)
        self._tls.sendall(self._http.data_to_send())
        time.sleep(0.2)  # for the client to read what was said
        self._tls.settimeout(0)
        self._tls.unwrap()

    def _answer(self, stream: int) -> bool:
        """Answer a call; whether the connection is over."""
        fields = self._asked.pop(stream)
        number, fault = self._service.next_fault()
        self._service.truth.write(
            "request",
            self._peer,
            number=number,
            method="POST",
            target=fields[":path"],
            fault=fault,
            stream=stream,
        )
        if fault is CallFault.OVERDUE:
            match = _TIMEOUT.fullmatch(fields.get("grpc-timeout", ""))
            time.sleep(int(match[1]) / 1000 if match else 0)
        self._http.send_headers(stream, _HEAD)
        if fault is CallFault.NO_STATUS:
            self._http.send_data(stream, MESSAGE, end_stream=True)
            return False
        if fault is CallFault.NONE:
            self._http.send_data(stream, MESSAGE)
        self._http.send_headers(stream, _ENDINGS[fault], end_stream=True)
        if fault is CallFault.TOO_MANY_PINGS:
            self._http.close_connection(ErrorCodes.ENHANCE_YOUR_CALM, b"too_many_pings", stream)
        return fault is CallFault.TOO_MANY_PINGS


class GrpcServer:
    """The listening socket and what all connections share."""

    def __init__(self, behaviour: Behaviour, listener: socket.socket, truth: Truth) -> None:
        self.behaviour = behaviour
        self.truth = truth
        self._listener = listener
        self._number = 0
        self._lock = threading.Lock()

    def next_fault(self) -> tuple[int, CallFault]:
        """Number the next call and say what to do to it."""
        with self._lock:
            self._number += 1
            return self._number, self.behaviour.calls.get(self._number, CallFault.NONE)

    def serve(self, context: ssl.SSLContext) -> None:
        """Accept connections for ever, a thread each."""
        while True:
            plain, address = self._listener.accept()
            threading.Thread(target=self._serve, args=(context, plain, address), daemon=True).start()

    def _serve(self, context: ssl.SSLContext, plain: socket.socket, address: tuple[str, int]) -> None:
        with contextlib.suppress(OSError):  # the client's faults are the client's to report
            plain.settimeout(30)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with context.wrap_socket(plain, server_side=True) as tls:
                GrpcSession(tls, f"{address[0]}:{address[1]}", self).serve()


def main() -> None:
    """``grpc_server ADDRESS CHAIN KEY LOG KEYS BEHAVIOUR``."""
    address, chain, key, log, keys, behaviour_json = sys.argv[1:]
    behaviour = Behaviour.from_json(behaviour_json)
    listener = socket.create_server((address, 0), backlog=64)
    server = GrpcServer(behaviour, listener, Truth(Path(log)))
    context = server_context(behaviour, Path(chain), Path(key), Path(keys))
    context.set_alpn_protocols(["h2"])
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    threading.Thread(target=server.serve, args=(context,), daemon=True).start()
    end_with_parent()


if __name__ == "__main__":
    main()
