"""An HTTP/3 client by aioquic: HOST PORT LARGEST-DATAGRAM SECONDS AUTHORITY TARGET...; says what it got.

SECONDS is its patience with a silent server; ``POST:/target`` sends 40,000 bytes. Its secrets go where
SSLKEYLOGFILE says, as those of many programs do.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, ErrorCode, H3Connection
from aioquic.h3.events import DataReceived, H3Event, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration

if TYPE_CHECKING:
    from aioquic.quic.events import QuicEvent

UPLOAD = bytes(40_000)


class Client(QuicConnectionProtocol):
    """Requests one after the other, each on a stream of its own."""

    def quic_event_received(self, event: QuicEvent) -> None:
        if not hasattr(self, "_http"):
            self._http = H3Connection(self._quic)
            self._events: dict[int, asyncio.Queue[H3Event]] = defaultdict(asyncio.Queue)
        for found in self._http.handle_event(event):
            if isinstance(found, (HeadersReceived, DataReceived)):
                self._events[found.stream_id].put_nowait(found)

    async def ask(self, method: str, target: str) -> tuple[int, int]:
        """Status and size of the content."""
        stream = self._quic.get_next_available_stream_id()
        upload = UPLOAD if method == "POST" else b""
        fields = {":method": method, ":scheme": "https", ":authority": "test", ":path": target}
        sent = [(name.encode(), value.encode()) for name, value in fields.items()]
        self._http.send_headers(stream, sent, end_stream=not upload)
        if upload:
            self._http.send_data(stream, upload, end_stream=True)
        self.transmit()
        status, size, ended = 0, 0, False
        while not ended:
            event = await self._events[stream].get()
            if isinstance(event, HeadersReceived):
                status = int(dict(event.headers)[b":status"])
            elif isinstance(event, DataReceived):
                size += len(event.data)
            ended = getattr(event, "stream_ended")  # noqa: B009 - both have it
        return status, size

    def end(self, code: ErrorCode) -> None:
        """Close the connection."""
        self._quic.close(error_code=code, reason_phrase="that was all")
        self.transmit()


async def _run(configuration: QuicConfiguration, host: str, port: int, targets: list[str]) -> None:
    async with connect(host, port, configuration=configuration, create_protocol=Client) as connected:
        assert isinstance(connected, Client)
        for word in targets:
            method, _, target = word.rpartition(":")
            status, size = await connected.ask(method or "GET", target)
            print("h3", status, target, size, sep="|")
        connected.end(ErrorCode.H3_NO_ERROR)


def main() -> None:
    """See the module."""
    host, port, largest, seconds, authority, *targets = sys.argv[1:]
    configuration = QuicConfiguration(
        alpn_protocols=H3_ALPN, max_datagram_size=int(largest), idle_timeout=float(seconds)
    )
    configuration.load_verify_locations(authority)
    with Path(os.environ["SSLKEYLOGFILE"]).open("a", encoding="ascii") as secrets:
        configuration.secrets_log_file = secrets
        asyncio.run(asyncio.wait_for(_run(configuration, host, int(port), targets), 60))


if __name__ == "__main__":
    main()
