"""aioquic's client and server over loopback, through a relay that keeps what passes."""

from __future__ import annotations

import asyncio
import io
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pytest
from aioquic.asyncio.client import connect
from aioquic.asyncio.server import serve
from aioquic.quic.packet import QuicProtocolVersion
from aioquic.tls import CipherSuite

from plainwire.model import Endpoint
from tests.quic.talk import configurations
from tests.quic.wire import CLIENT, SERVER, Reading, Sent, read

if TYPE_CHECKING:
    from aioquic.asyncio.protocol import QuicConnectionProtocol
    from aioquic.quic.configuration import QuicConfiguration

REQUEST, ANSWER = b"GET /\r\n", bytes(range(256)) * 500
_ENOUGH_SECONDS = 60


@dataclass
class Relay(asyncio.DatagramProtocol):
    """Passes datagrams between one client (whatever its port) and the server, and keeps them.

    ``rebind``: after so many datagrams of the client, it is known to the server by another port, as behind
    a NAT that forgot it.
    """

    server: tuple[str, int]
    rebind: int = 0
    wire: list[Sent] = field(default_factory=list)
    outward: list[asyncio.DatagramTransport] = field(default_factory=list)
    client: tuple[str, int] = ("", 0)
    passed: int = 0
    secrets: bytes = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.inward = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.client = addr
        self.passed += 1
        out = self.outward[1 if self.rebind and self.passed > self.rebind else 0]
        self._keep(data, out.get_extra_info("sockname"), self.server)
        out.sendto(data, self.server)

    def answered(self, data: bytes, to: tuple[str, int]) -> None:
        self._keep(data, self.server, to)
        self.inward.sendto(data, self.client)

    def _keep(self, data: bytes, source: tuple[str, int], target: tuple[str, int]) -> None:
        ends = (Endpoint(*source[:2]), Endpoint(*target[:2]))
        self.wire.append(Sent(data, *ends, time.time_ns()))


@dataclass
class _Back(asyncio.DatagramProtocol):
    relay: Relay

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:  # noqa: ARG002 - its interface
        self.relay.answered(data, self.transport.get_extra_info("sockname"))


_TASKS: set[asyncio.Future[None]] = set()


def _serve_stream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    async def answer() -> None:
        await reader.read()
        writer.write(ANSWER)
        writer.write_eof()

    task = asyncio.ensure_future(answer())
    _TASKS.add(task)
    task.add_done_callback(_TASKS.discard)


async def _talk(
    both: tuple[QuicConfiguration, QuicConfiguration],
    *,
    retry: bool,
    rebind: int,
    requests: int,
    update: bool,
) -> Relay:
    client, server = both
    listening = await serve("127.0.0.1", 0, configuration=server, retry=retry, stream_handler=_serve_stream)
    loop = asyncio.get_running_loop()
    assert listening._transport is not None
    relay = Relay(listening._transport.get_extra_info("sockname"), rebind)
    inward, _ = await loop.create_datagram_endpoint(lambda: relay, local_addr=("127.0.0.1", 0))
    for _ in range(2):
        transport, _ = await loop.create_datagram_endpoint(lambda: _Back(relay), local_addr=("127.0.0.1", 0))
        relay.outward.append(transport)
    try:
        host, port = inward.get_extra_info("sockname")
        async with connect(host, port, configuration=client) as protocol:
            for _ in range(requests):
                await _ask(protocol)
                if update:
                    protocol.request_key_update()
    finally:
        for transport in (inward, *relay.outward):
            transport.close()
        listening.close()
    return relay


async def _ask(protocol: QuicConnectionProtocol) -> None:
    reader, writer = await protocol.create_stream()
    writer.write(REQUEST)
    writer.write_eof()
    assert await reader.read() == ANSWER


def live(
    *, retry: bool = False, rebind: int = 0, requests: int = 1, update: bool = False, **settings: object
) -> tuple[Reading, Relay]:
    both = configurations(**settings)
    secrets = io.StringIO()
    both[0].secrets_log_file = secrets
    conversation = _talk(both, retry=retry, rebind=rebind, requests=requests, update=update)
    relay = asyncio.run(asyncio.wait_for(conversation, _ENOUGH_SECONDS))
    relay.secrets = secrets.getvalue().encode()
    return read(relay.wire, relay.secrets), relay


def assert_all_was_read(reading: Reading, requests: int = 1) -> None:
    for number in range(requests):
        assert reading.text(4 * number, CLIENT) == REQUEST
        assert reading.text(4 * number, SERVER) == ANSWER
    assert reading.only.undecrypted == []


@pytest.mark.parametrize("suite", list(CipherSuite)[:3])
def test_each_suite(suite: CipherSuite) -> None:
    reading, _ = live(cipher_suites=[suite])
    assert_all_was_read(reading)
    assert reading.only.closes[0].side is CLIENT
    assert reading.only.closes[0].detail == "h3 error 0x0"  # what aioquic's client says when it is done


def test_retry() -> None:
    reading, _ = live(retry=True)
    assert_all_was_read(reading)
    facts = reading.only
    assert facts.quic is not None
    assert facts.quic.retried
    (event,) = (e for e in facts.events if e.kind == "retry")
    assert (event.side, event.detail) == (SERVER, "")


def test_retry_that_was_not_captured() -> None:
    _, relay = live(retry=True)
    wire = [sent for sent in relay.wire if sent.data[0] & 0xF0 != 0xF0]
    assert len(wire) == len(relay.wire) - 1
    facts = read(wire).only
    assert facts.quic is not None
    assert facts.quic.retried
    assert facts.tls is not None
    assert facts.tls.cipher_suite is not None


def test_retry_in_version_2() -> None:
    v2 = QuicProtocolVersion.VERSION_2
    reading, _ = live(retry=True, supported_versions=[v2], original_version=v2)
    assert_all_was_read(reading)
    assert reading.only.quic is not None
    assert (reading.only.quic.version, reading.only.quic.retried) == ("QUIC v2", True)


def test_key_updates() -> None:
    reading, _ = live(requests=4, update=True)
    assert_all_was_read(reading, 4)
    assert reading.only.tls is not None
    assert reading.only.tls.key_updates[CLIENT] >= 2


def test_a_nat_that_forgets_the_client() -> None:
    reading, relay = live(requests=3, rebind=12)
    assert_all_was_read(reading, 3)
    assert reading.only.quic is not None
    ports = [transport for transport, _ in reading.only.quic.paths]
    assert len(ports) == 2
    assert len({sent.source for sent in relay.wire}) == 3
