"""What the CONNECT streams of HTTP/2 and HTTP/3 carry: tunnels, and WebSockets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.conversation.layers.websocket import WebSocketLayer
from plainwire.model import Side

if TYPE_CHECKING:
    from collections.abc import Callable

    from plainwire.conversation.shared import Layer, StreamPair
    from plainwire.model import Exchange, Gap, Text


class ConnectStreams:
    """What the CONNECT streams of HTTP/2 and HTTP/3 carry (RFC 9113 section 8.5, RFC 8441, RFC 9220)."""

    def __init__(self) -> None:
        self._inner: dict[int, tuple[Exchange, Layer]] = {}  # by id(exchange)

    def feed(
        self, texts: list[tuple[Exchange, Side, Text | Gap]], channel: Callable[[Exchange], StreamPair]
    ) -> None:
        """Take what an outbox holds, and empty it; ``channel`` makes the channel of a tunnel."""
        for exchange, side, text in texts:
            held = self._inner.get(id(exchange))
            if held is None:
                inside = channel(exchange)
                websocket = exchange.protocol == "websocket"
                layer = WebSocketLayer(inside.shared, exchange) if websocket else inside
                held = self._inner[id(exchange)] = exchange, layer
            held[1].feed(*(((text,), ()) if side == Side.CLIENT else ((), (text,))))
        texts.clear()

    def needed(self) -> list[tuple[int, int]]:
        """What each of them still needs."""
        return [layer.needed() for _, layer in self._inner.values()]

    def close(self) -> None:
        """Nothing more will come."""
        for _, layer in self._inner.values():
            layer.close()
