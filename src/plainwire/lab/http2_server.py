"""The object store of ``http1_server`` in HTTP/2: faults of streams and of the connection below them.

Needs the package h2. Truth, life and faults are those of the object store; events of requests have the
stream's number too.
"""

from __future__ import annotations

import contextlib
import socket
import time
from typing import TYPE_CHECKING

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import RequestReceived, StreamEnded
from h2.settings import SettingCodes

from plainwire.lab.behaviour import StreamFault
from plainwire.lab.http1_session import BODY, LINGER_NONE, RECEIVE_SIZE
from plainwire.lab.tls_server import TlsServer, run

if TYPE_CHECKING:
    import ssl

RESETS = {
    StreamFault.REFUSE: ErrorCodes.REFUSED_STREAM,
    StreamFault.RESET: ErrorCodes.INTERNAL_ERROR,
}
OK = [(":status", "200"), ("content-length", str(len(BODY)))]
READ_FIRST = 0.2
"""Seconds for the client to read what was said, before the connection ends."""


class Http2Session:
    """One connection."""

    def __init__(self, tls: ssl.SSLSocket, peer: str, store: Http2Server) -> None:
        self._tls = tls
        self._peer = peer
        self._store = store
        self._http = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self._targets: dict[int, str] = {}
        self._cut = False
        self._patience = READ_FIRST

    def serve(self) -> None:
        """Serve streams until one of the two ends hangs up."""
        limit = self._store.behaviour.max_streams
        if limit:
            self._http.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: limit})
        self._http.initiate_connection()
        over = False
        self._tls.settimeout(self._store.behaviour.idle_timeout)
        while not over:
            self._tls.sendall(self._http.data_to_send())
            try:
                data = self._tls.recv(RECEIVE_SIZE)
            except TimeoutError:
                self._store.truth.write("idle-close", self._peer)
                self._http.close_connection()
                break
            if not data:
                return
            over = self._read(data)
        with contextlib.suppress(OSError):
            self._tls.sendall(self._http.data_to_send())
            self._hang_up()

    def _read(self, data: bytes) -> bool:
        """Answer what ``data`` holds; whether the connection is over."""
        over = False
        for event in self._http.receive_data(data):
            if isinstance(event, RequestReceived):
                fields = {str(name): str(value) for name, value in event.headers or ()}
                self._targets[event.stream_id or 0] = fields[":path"]
            if isinstance(event, StreamEnded) and not over:
                over = self._answer(event.stream_id or 0)
        return over

    def _answer(self, stream: int) -> bool:
        number, fault = self._store.next_fault()
        target = self._targets.pop(stream)
        self._store.truth.write(
            "request", self._peer, number=number, target=target, fault=fault, stream=stream, method="GET"
        )
        if fault in RESETS:
            self._http.reset_stream(stream, RESETS[fault])
            return False
        match fault:
            case StreamFault.GOAWAY_LEAVES_OUT:
                self._http.close_connection(last_stream_id=max(0, stream - 2))
            case StreamFault.GOAWAY_PROMISES:
                self._http.close_connection(last_stream_id=stream)
                self._patience = 0.0
                # Both in one segment: clients hang up between the two.
                self._tls.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
            case StreamFault.GOAWAY_ACCUSES:
                self._http.close_connection(ErrorCodes.ENHANCE_YOUR_CALM, b"too_many_pings", stream)
            case StreamFault.HALF:
                self._http.send_headers(stream, OK)
                self._http.send_data(stream, BODY[: len(BODY) // 2])
                self._http.reset_stream(stream, ErrorCodes.INTERNAL_ERROR)
                return False
            case StreamFault.SHORT:
                self._http.send_headers(stream, OK)
                self._http.send_data(stream, BODY[: len(BODY) // 2], end_stream=True)
                return False
            case StreamFault.GONE | StreamFault.CUT:
                self._cut = fault is StreamFault.CUT
            case _:
                if fault is StreamFault.SLOW:
                    time.sleep(self._store.behaviour.delay)
                self._http.send_headers(stream, OK)
                self._http.send_data(stream, BODY, end_stream=True)
                self._store.truth.write("response", self._peer, number=number, status=200)
                return False
        return True

    def _hang_up(self) -> None:
        time.sleep(self._patience)
        if self._cut:
            self._tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NONE)
            return
        self._tls.settimeout(0)
        self._tls.unwrap()


class Http2Server(TlsServer):
    """What all connections share."""

    alpn = ("h2",)

    def next_fault(self) -> tuple[int, StreamFault]:
        """Number the next request and say what to do to it."""
        number = self.next_number()
        return number, self.behaviour.streams.get(number, StreamFault.NONE)

    def talk(self, tls: ssl.SSLSocket, peer: str) -> None:
        """See ``TlsServer``."""
        Http2Session(tls, peer, self).serve()


if __name__ == "__main__":
    run(Http2Server)
