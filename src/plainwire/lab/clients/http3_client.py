"""Fetch objects over HTTP/3 with aioquic, one after the other, on a new connection after each failure.

HOST PORT AUTHORITY COUNT TIMEOUT FORGETFUL PAUSE

FORGETFUL: "yes" for a client that does not look at the idle timeout which the server announced. Secrets go
where SSLKEYLOGFILE says, as those of many programs do.
"""

import asyncio
import os
import sys
from pathlib import Path

from aioquic.asyncio.client import connect
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.h3.connection import H3_ALPN, ErrorCode, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, QuicEvent, StreamReset

host, port, authority, count, timeout, forgetful, pause = sys.argv[1:]
failed: list[str] = []


class Client(QuicConnectionProtocol):
    """Requests one after the other, each on a stream of its own."""

    http: H3Connection | None = None
    answer: asyncio.Future[None] | None = None

    def quic_event_received(self, event: QuicEvent) -> None:
        """End the wait for an answer."""
        if self.http is None:
            self.http = H3Connection(self._quic)
        for found in self.http.handle_event(event):
            if isinstance(found, HeadersReceived | DataReceived) and found.stream_ended:
                self._end()
        if isinstance(event, StreamReset | ConnectionTerminated):
            self._end(ConnectionError(f"{type(event).__name__} {event.error_code:#x}"))

    def _end(self, error: Exception | None = None) -> None:
        if self.answer is not None and not self.answer.done():
            if error is None:
                self.answer.set_result(None)
            else:
                self.answer.set_exception(error)

    async def fetch(self, target: str) -> None:
        """One request."""
        if forgetful == "yes":
            self._quic._remote_max_idle_timeout = None  # noqa: SLF001 - no client offers to be so
        assert self.http is not None  # noqa: S101 - the handshake is over
        stream = self._quic.get_next_available_stream_id()
        self.answer = asyncio.get_running_loop().create_future()
        fields = {":method": "GET", ":scheme": "https", ":authority": f"{host}:{port}", ":path": target}
        self.http.send_headers(stream, [(k.encode(), v.encode()) for k, v in fields.items()], end_stream=True)
        self.transmit()
        async with asyncio.timeout(float(timeout)):
            await self.answer

    def leave(self) -> None:
        """Close the connection."""
        self._quic.close(error_code=ErrorCode.H3_NO_ERROR)
        self.transmit()


async def main(configuration: QuicConfiguration) -> None:
    """All of them."""
    todo = [f"/container/object-{number}" for number in range(1, int(count) + 1)]
    while todo:
        async with connect(host, int(port), configuration=configuration, create_protocol=Client) as client:
            assert isinstance(client, Client)  # noqa: S101 - it was made so
            while todo:
                target = todo.pop(0)
                try:
                    await client.fetch(target)
                except (OSError, TimeoutError) as error:
                    failed.append(f"GET {target}: {type(error).__name__}: {error}")
                    break
                await asyncio.sleep(float(pause))
            client.leave()


settings = QuicConfiguration(alpn_protocols=H3_ALPN)
settings.load_verify_locations(authority)
with Path(os.environ["SSLKEYLOGFILE"]).open("a", encoding="ascii") as secrets:
    settings.secrets_log_file = secrets
    asyncio.run(main(settings))
print("\n".join(failed))
print(f"{count} requests, {len(failed)} failed")
sys.exit(1 if failed else 0)
