"""Two ends of a QUIC connection in memory, by aioquic: what crosses the wire, and the secrets."""

from __future__ import annotations

import io
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.tls import load_pem_private_key, load_pem_x509_certificates

from tests.quic.wire import AWAY, CLIENT, HOME, SERVER, START_NS, Sent
from tests.tls.live import HOST, certificate

if TYPE_CHECKING:
    from collections.abc import Callable

    from aioquic.quic.events import QuicEvent
    from aioquic.tls import SessionTicket

    from plainwire.model import Endpoint, Side

ALPN = "h3"
_LATENCY_NS = 5_000_000
_MOST_ROUNDS = 400


def configurations(**settings: object) -> tuple[QuicConfiguration, QuicConfiguration]:
    """Configurations of client and server; ``settings`` are those of both."""
    both = {"alpn_protocols": [ALPN], **settings}
    client = QuicConfiguration(is_client=True, server_name=HOST, verify_mode=ssl.CERT_NONE)
    server = QuicConfiguration(is_client=False)
    pem = certificate("ec")
    marker = b"-----BEGIN PRIVATE KEY-----"
    server.certificate = load_pem_x509_certificates(pem[: pem.index(marker)])[0]
    server.private_key = load_pem_private_key(pem[pem.index(marker) :])
    for configuration in (client, server):
        for name, value in both.items():
            setattr(configuration, name, value)
    return client, server


@dataclass
class Talk:
    """Both ends. ``wire`` holds what was sent, in order; time passes by ``_LATENCY_NS`` a flight.

    ``lose`` decides about each datagram whether it is lost on the way, behind the capture.
    """

    configurations: tuple[QuicConfiguration, QuicConfiguration] = field(default_factory=configurations)
    tickets: dict[bytes, SessionTicket] = field(default_factory=dict)
    lose: Callable[[int, Side], bool] = lambda _number, _side: False
    wire: list[Sent] = field(default_factory=list)
    said: dict[tuple[int, Side], bytes] = field(default_factory=dict)
    seen: list[QuicEvent] = field(default_factory=list)
    client_at: Endpoint = HOME
    now_ns: int = START_NS

    def __post_init__(self) -> None:
        self.secrets = io.StringIO()
        client, server = self.configurations
        client.secrets_log_file = self.secrets
        self.given: list[SessionTicket] = []
        self.client = QuicConnection(configuration=client, session_ticket_handler=self.given.append)
        self.server = QuicConnection(
            configuration=server,
            original_destination_connection_id=self.client.original_destination_connection_id,
            session_ticket_fetcher=self.tickets.get,
            session_ticket_handler=self._keep,
        )

        if not client.connection_id_length:  # aioquic would offer more such ids, and refuse them
            for end in (self.client, self.server):
                setattr(end, "_replenish_connection_ids", lambda: None)  # noqa: B010

    def _keep(self, ticket: SessionTicket) -> None:
        self.tickets[ticket.ticket] = ticket

    @property
    def key_log(self) -> bytes:
        return self.secrets.getvalue().encode()

    @property
    def _now(self) -> float:
        return self.now_ns / 1e9

    def connect(self) -> Talk:
        self.client.connect((AWAY.address, AWAY.port), now=self._now)
        return self.run()

    def say(self, side: Side, stream: int, data: bytes, *, end: bool = False) -> None:
        sender = self.client if side is CLIENT else self.server
        sender.send_stream_data(stream, data, end_stream=end)
        self.said[stream, side] = self.said.get((stream, side), b"") + data

    def run(self) -> Talk:
        """Until neither has anything more to say (acknowledgments may be delayed beyond)."""
        for _ in range(_MOST_ROUNDS):
            if not self.flight(CLIENT) and not self.flight(SERVER):
                return self
        message = "the ends do not come to rest"
        raise AssertionError(message)

    def flight(self, side: Side) -> bool:
        """Hand over what one end has to send now; whether there was anything."""
        sender, receiver = (self.client, self.server) if side is CLIENT else (self.server, self.client)
        self.now_ns += _LATENCY_NS
        timer = sender.get_timer()
        if timer is not None and timer <= self._now:
            sender.handle_timer(now=self._now)
        datagrams = sender.datagrams_to_send(now=self._now)
        source, target = (self.client_at, AWAY) if side is CLIENT else (AWAY, self.client_at)
        for data, _ in datagrams:
            self.wire.append(Sent(data, source, target, self.now_ns))
            if not self.lose(len(self.wire), side):
                receiver.receive_datagram(data, (source.address, source.port), now=self._now)
        for end in (self.client, self.server):
            while (event := end.next_event()) is not None:
                self.seen.append(event)
        return bool(datagrams)
