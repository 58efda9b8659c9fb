"""The object store of ``http1_server`` in HTTP/3: faults of streams and of the QUIC connection below them.

Needs the package aioquic. Truth, life and faults are those of the object store in HTTP/2.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.asyncio.server import QuicServer
from aioquic.buffer import encode_uint_var
from aioquic.h3.connection import H3_ALPN, ErrorCode, FrameType, H3Connection, encode_frame
from aioquic.h3.events import HeadersReceived
from aioquic.quic.configuration import QuicConfiguration

from plainwire.lab.behaviour import Behaviour, StreamFault
from plainwire.lab.http1_server import Truth, end_with_parent
from plainwire.lab.http1_session import BODY

if TYPE_CHECKING:
    from aioquic.quic.connection import QuicConnection
    from aioquic.quic.events import QuicEvent

OK = [(b":status", b"200"), (b"content-length", str(len(BODY)).encode())]
RESETS = {
    StreamFault.REFUSE: ErrorCode.H3_REQUEST_REJECTED,
    StreamFault.RESET: ErrorCode.H3_INTERNAL_ERROR,
    StreamFault.HALF: ErrorCode.H3_INTERNAL_ERROR,
}
CLOSES = {
    StreamFault.GOAWAY_LEAVES_OUT: ErrorCode.H3_NO_ERROR,
    StreamFault.GOAWAY_ACCUSES: ErrorCode.H3_EXCESSIVE_LOAD,
    StreamFault.GONE: ErrorCode.H3_INTERNAL_ERROR,
}
READ_FIRST = 0.2
"""Seconds for the client to read what was said, before the connection ends."""
SHORTEST_RESET = 43
"""Bytes of a stateless reset that passes for an ordinary packet (RFC 9000 section 10.3)."""


class Http3Session(QuicConnectionProtocol):
    """One connection."""

    def __init__(self, quic: QuicConnection, store: Http3Server) -> None:
        super().__init__(quic)
        self._store = store
        self._http: H3Connection | None = None
        self._forgotten = False

    def quic_event_received(self, event: QuicEvent) -> None:
        """Answer requests when they are whole."""
        if self._http is None:
            self._http = H3Connection(self._quic)
        for found in self._http.handle_event(event):
            if isinstance(found, HeadersReceived) and found.stream_ended and not self._forgotten:
                target = dict(found.headers)[b":path"].decode()
                self._loop.create_task(self._answer(self._http, found.stream_id, target))

    def datagram_received(self, data: bytes | str, addr: object) -> None:
        """Know nothing more of a connection that was forgotten."""
        if not self._forgotten:
            super().datagram_received(data, addr)

    def transmit(self) -> None:
        """The same for what would leave."""
        if not self._forgotten:
            super().transmit()

    async def _answer(self, http: H3Connection, stream: int, target: str) -> None:
        number, fault = self._store.next_fault()
        self._store.truth.write(
            "request", self._peer(), number=number, target=target, fault=fault, stream=stream, method="GET"
        )
        if fault is StreamFault.CUT:
            self._forget()
        elif fault in RESETS:
            if fault is StreamFault.HALF:
                http.send_headers(stream, OK)
                http.send_data(stream, BODY[: len(BODY) // 2], end_stream=False)
                self.transmit()
                await asyncio.sleep(READ_FIRST)  # a reset takes back what was not sent yet
            self._quic.reset_stream(stream, RESETS[fault])
            self._quic.stop_stream(stream, RESETS[fault])
        elif fault in CLOSES:
            if fault is StreamFault.GOAWAY_LEAVES_OUT:
                self._say_goodbye(http, stream)
                await asyncio.sleep(READ_FIRST)
            self.close(error_code=CLOSES[fault])
        else:
            half = fault is StreamFault.SHORT
            http.send_headers(stream, OK)
            http.send_data(stream, BODY[: len(BODY) // 2] if half else BODY, end_stream=True)
            self._store.truth.write("response", self._peer(), number=number, status=200)
        self.transmit()

    def _peer(self) -> str:
        address = self._quic._network_paths[0].addr  # noqa: SLF001 - it tells nobody
        return f"{address[0]}:{address[1]}"

    def _say_goodbye(self, http: H3Connection, first_out: int) -> None:
        """GOAWAY that leaves out the streams from ``first_out`` on (RFC 9114 section 5.2)."""
        control = http._local_control_stream_id  # noqa: SLF001 - the library has no way to say GOAWAY
        assert control is not None  # noqa: S101 - it is there once there is an H3Connection
        self._quic.send_stream_data(control, encode_frame(FrameType.GOAWAY, encode_uint_var(first_out)))
        self.transmit()

    def _forget(self) -> None:
        """As after a restart: a stateless reset (RFC 9000 section 10.3) is all that is left to say."""
        self._forgotten = True
        token = self._quic._host_cids[0].stateless_reset_token  # noqa: SLF001 - nor a way to say that
        seeming = bytes([0x40 | os.urandom(1)[0] & 0x3F]) + os.urandom(SHORTEST_RESET - 1 - len(token))
        address = self._quic._network_paths[0].addr  # noqa: SLF001
        assert self._transport is not None  # noqa: S101 - a request came over it
        self._transport.sendto(seeming + token, address)


class Http3Server:
    """What all connections share."""

    def __init__(self, behaviour: Behaviour, truth: Truth) -> None:
        self.behaviour = behaviour
        self.truth = truth
        self._number = 0

    def next_fault(self) -> tuple[int, StreamFault]:
        """Number the next request and say what to do to it."""
        self._number += 1
        return self._number, self.behaviour.streams.get(self._number, StreamFault.NONE)

    async def serve(self, address: str, configuration: QuicConfiguration) -> None:
        """Print the port and serve forever."""
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: QuicServer(
                configuration=configuration,
                create_protocol=lambda quic, **_options: Http3Session(quic, self),
            ),
            local_addr=(address, 0),
        )
        sys.stdout.write(f"{transport.get_extra_info('sockname')[1]}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main() -> None:
    """``http3_server ADDRESS CHAIN KEY LOG KEYS BEHAVIOUR``."""
    address, chain, key, log, keys, behaviour_json = sys.argv[1:]
    behaviour = Behaviour.from_json(behaviour_json)
    secrets = os.fdopen(os.open(keys, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="ascii")
    configuration = QuicConfiguration(
        is_client=False, alpn_protocols=H3_ALPN, idle_timeout=behaviour.idle_timeout, secrets_log_file=secrets
    )
    configuration.load_cert_chain(Path(chain), Path(key))
    store = Http3Server(behaviour, Truth(Path(log)))
    threading.Thread(target=lambda: asyncio.run(store.serve(address, configuration)), daemon=True).start()
    end_with_parent()


if __name__ == "__main__":
    main()
