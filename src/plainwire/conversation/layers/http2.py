"""HTTP/2, and what its CONNECT streams carry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.conversation.layers.connect_streams import ConnectStreams
from plainwire.http.http2 import Http2

if TYPE_CHECKING:
    from plainwire.conversation.shared import Pieces, StreamPair
    from plainwire.model import Request


class Http2Layer:
    """HTTP/2, and what its CONNECT streams carry."""

    def __init__(self, channel: StreamPair, upgraded: Request | None = None) -> None:
        self._channel = channel
        self._http = Http2(channel.shared.reading, upgraded=upgraded)
        self._tunnels = ConnectStreams()

    def feed(self, client: Pieces, server: Pieces) -> None:
        """See ``Layer``."""
        self._http.feed(client, server, self._channel.shared.where)
        self._pass_on()

    def _pass_on(self) -> None:
        self._channel.shared.facts.events += self._http.events
        self._http.events.clear()
        if self._http.tunnels:
            self._tunnels.feed(self._http.tunnels, lambda e: self._channel.inside(exact=False, via=e))

    def needed(self) -> tuple[int, int]:
        """See ``Layer``."""
        lows = [self._http.looked_up_to(), *self._tunnels.needed()]
        return min(low[0] for low in lows), min(low[1] for low in lows)

    def close(self) -> None:
        """See ``Layer``."""
        shared = self._channel.shared
        exchanges = self._http.close(shared.facts, shared.where)
        self._pass_on()
        shared.deliver(exchanges, self._channel.via, "h2")
        self._tunnels.close()
