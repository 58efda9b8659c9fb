"""What an exchange that became a WebSocket carries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.http.budget import Budget
from plainwire.http.websocket import WebSocketReader

if TYPE_CHECKING:
    from plainwire.conversation.shared import Pieces, Shared
    from plainwire.model import Exchange


class WebSocketLayer:
    """What an exchange that became a WebSocket carries."""

    def __init__(self, shared: Shared, exchange: Exchange) -> None:
        self._shared = shared
        self._reader = WebSocketReader(exchange, Budget(shared.reading.budget), shared.reading)

    def feed(self, client: Pieces, server: Pieces) -> None:
        """See ``Layer``."""
        self._reader.feed(client, server, self._shared.where)

    def needed(self) -> tuple[int, int]:
        """See ``Layer``."""
        return self._reader.looked_up_to()

    def close(self) -> None:
        """See ``Layer``."""
        self._shared.deliver(self._reader.close(self._shared.facts, self._shared.where), None, "websocket")
