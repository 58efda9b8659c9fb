"""HTTP/1.x, and what a CONNECT or an Upgrade turns it into."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.conversation.layers.websocket import WebSocketLayer
from plainwire.http.http1 import Http1
from plainwire.http.http1_recognise import NOT_HTTP
from plainwire.model import Tunnel

if TYPE_CHECKING:
    from plainwire.conversation.shared import Layer, Pieces, StreamPair
    from plainwire.model import Exchange


class Http1Layer:
    """HTTP/1.x, and the channel that a CONNECT or an Upgrade turns it into."""

    __slots__ = ("_channel", "_http", "_inner")

    def __init__(self, channel: StreamPair, *, joined_late: bool) -> None:
        shared = channel.shared
        self._channel = channel
        self._http = Http1(
            shared.reading, exact=channel.exact, joined_late=joined_late, segments=shared.segments
        )
        self._inner: Layer | None = None

    def feed(self, client: Pieces, server: Pieces) -> None:
        """See ``Layer``."""
        http = self._http
        http.feed(client, server, self._channel.shared.where)
        if http.switched is not None:
            if self._inner is None:
                self._inner = self._switch(http.switched)
            self._inner.feed(*http.tunnelled())

    def _switch(self, exchange: Exchange) -> Layer:
        """By what the 101 response says, or by the bytes where a CONNECT was answered."""
        channel = self._channel
        upgrade = _upgrade(exchange)
        inside = channel.inside(via=exchange)
        if upgrade == "websocket":
            return WebSocketLayer(channel.shared, exchange)
        if upgrade == "h2c":
            from plainwire.conversation.layers.http2 import Http2Layer  # noqa: PLC0415 - as in ``channel``

            return Http2Layer(inside, exchange.request)
        request = exchange.request
        if request is not None and request.method == "CONNECT":
            channel.shared.facts.tunnels.append(Tunnel("CONNECT", request.target, request.packet))
        return inside

    def needed(self) -> tuple[int, int]:
        """See ``Layer``."""
        own = self._http.looked_up_to()
        if self._inner is None:
            return own
        inner = self._inner.needed()
        return min(own[0], inner[0]), min(own[1], inner[1])

    def close(self) -> None:
        """See ``Layer``."""
        shared = self._channel.shared
        exchanges = self._http.close(shared.facts, shared.where)
        foreign = self._http.requests.foreign
        application = "http/1.1" if exchanges else None if foreign in (None, NOT_HTTP) else foreign
        shared.deliver(exchanges, self._channel.via, application)
        if self._inner is not None:
            self._inner.close()


def _upgrade(exchange: Exchange) -> str:
    """The protocol that a 101 response names (RFC 9110 section 7.8)."""
    response = exchange.response
    if response is None or response.status != 101:
        return ""
    return next((v.strip().lower() for n, v in response.headers if n.lower() == "upgrade"), "")
