"""A gRPC service over TLS whose calls fail: HTTP/2 of the package h2, frames of gRPC by hand.

grpcio has a TLS library of its own, whose secrets nobody outside can have. Truth and life are those of the
object store of ``http1_server``; events of requests have the stream's number too.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import RequestReceived, StreamEnded

from plainwire.lab.behaviour import CallFault
from plainwire.lab.http1_session import RECEIVE_SIZE
from plainwire.lab.tls_server import TlsServer, run

if TYPE_CHECKING:
    import ssl

MESSAGE = b"\0\0\0\0\x05hello"
_HEAD = [(":status", "200"), ("content-type", "application/grpc")]
_TIMEOUT = re.compile(r"(\d+)m")
_ENDINGS = {
    CallFault.NONE: [("grpc-status", "0")],
    CallFault.CUT: [("grpc-status", "0")],
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
        if fault in (CallFault.NONE, CallFault.CUT):
            self._http.send_data(stream, MESSAGE if fault is CallFault.NONE else MESSAGE[:-2])
        self._http.send_headers(stream, _ENDINGS[fault], end_stream=True)
        if fault is CallFault.TOO_MANY_PINGS:
            self._http.close_connection(ErrorCodes.ENHANCE_YOUR_CALM, b"too_many_pings", stream)
        return fault is CallFault.TOO_MANY_PINGS


class GrpcServer(TlsServer):
    """What all connections share."""

    alpn = ("h2",)

    def next_fault(self) -> tuple[int, CallFault]:
        """Number the next call and say what to do to it."""
        number = self.next_number()
        return number, self.behaviour.calls.get(number, CallFault.NONE)

    def talk(self, tls: ssl.SSLSocket, peer: str) -> None:
        """See ``TlsServer``."""
        GrpcSession(tls, peer, self).serve()


if __name__ == "__main__":
    run(GrpcServer)
