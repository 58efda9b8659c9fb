"""One QUIC connection: HTTP/3 on its streams, and what the streams of CONNECT carry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.conversation.channel import Channel
from plainwire.conversation.layers.connect_streams import ConnectStreams
from plainwire.conversation.shared import Shared

if TYPE_CHECKING:
    from plainwire.http.http3 import Http3
    from plainwire.http.reading import Reading
    from plainwire.model import Connection, Exchange
    from plainwire.quic.quic_connection import QuicConnection
    from plainwire.quic.streams import StreamText
    from plainwire.tls.keylog import KeyLog

_MOST_WAITING = 1_000


class QuicConversation:
    """As ``Conversation``, over QUIC."""

    def __init__(self, quic: QuicConnection, keys: KeyLog, reading: Reading) -> None:
        self.quic = quic
        self._keys = keys
        self._reading = reading
        self._http: Http3 | None = None
        self._waiting: list[StreamText] = []  # until it is known what the streams carry
        self._tunnels = ConnectStreams()

    @property
    def facts(self) -> Connection:
        """What is known of the connection."""
        return self.quic.facts

    def discard(self) -> None:
        """Let go of what the connection has delivered."""
        self.quic.streams.clear()

    def feed(self) -> None:
        """Take what the connection has delivered since the last call."""
        streams = self.quic.streams
        if not streams:
            return
        alpn = self.quic.alpn
        if self._http is None and alpn is not None and alpn.startswith("h3"):
            from plainwire.http.http3 import Http3  # noqa: PLC0415 - as in ``channel``

            self._http = Http3(self._reading)
        if self._http is not None:
            for text in (*self._waiting, *streams):
                self._take(self._http, text)
            self._waiting.clear()
            self._pass_on(self._http)
        elif alpn is None and len(self._waiting) < _MOST_WAITING:
            self._waiting += streams
        streams.clear()

    def _take(self, http: Http3, text: StreamText) -> None:
        http.feed(
            text.stream_id,
            text.side,
            text.texts,
            fin=text.fin,
            reset_code=text.reset_code,
            where=text.where,
        )

    def _pass_on(self, http: Http3) -> None:
        self.quic.facts.events += http.events
        http.events.clear()
        if http.tunnels:
            self._tunnels.feed(http.tunnels, lambda exchange: self._inside(exchange, http))

    def _inside(self, exchange: Exchange, http: Http3) -> Channel:
        client, server = http.connects[exchange.stream or 0]
        shared = Shared(self.quic.facts, (client, server), self._keys, self._reading)
        return Channel(shared, exact=False, via=exchange, depth=1)

    def finish(self) -> Connection:
        """The connection is over: complete its facts and its exchanges."""
        facts = self.quic.finish()
        self.feed()
        facts.application = self.quic.alpn or facts.application
        if self._http is not None:
            facts.exchanges += self._http.close(facts)
            self._pass_on(self._http)
            facts.application = "h3"
        self._tunnels.close()
        facts.events.sort(key=lambda event: (event.time_ns, event.packet))
        facts.exchanges.sort(key=_packet)
        return facts


def _packet(exchange: Exchange) -> int:
    first = exchange.request or exchange.response
    return first.packet if first else 0
