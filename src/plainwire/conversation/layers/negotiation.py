"""What precedes a tunnel in clear text, and then the tunnel's channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.conversation.layers.opaque import OpaqueLayer
from plainwire.conversation.shared import behind, first_bytes, located, lowest
from plainwire.model import Gap, Side, Text, Tunnel
from plainwire.tunnels import Done, Failed

if TYPE_CHECKING:
    from collections.abc import Callable

    from plainwire.conversation.shared import Layer, Pieces, StreamPair
    from plainwire.tunnels import Outcome

    Negotiate = Callable[[bytes, bytes], Outcome]

_MOST_NEGOTIATION = 1 << 17


class NegotiationLayer:
    """What precedes a tunnel in clear text, and then the tunnel's channel."""

    def __init__(
        self, channel: StreamPair, negotiate: Negotiate, unanswered: Negotiate | None = None
    ) -> None:
        """``unanswered`` says what a negotiation came to that was not over when nothing more could come."""
        self._channel = channel
        self._negotiate = negotiate
        self._unanswered = unanswered
        self._waiting: tuple[list[Text | Gap], list[Text | Gap]] = ([], [])
        self._inner: Layer | None = None

    def feed(self, client: Pieces, server: Pieces) -> None:
        """See ``Layer``."""
        if self._inner is not None:
            self._inner.feed(client, server)
            return
        self._waiting[0].extend(client)
        self._waiting[1].extend(server)
        said = [first_bytes(pieces, _MOST_NEGOTIATION) for pieces in self._waiting]
        outcome = self._negotiate(said[0], said[1])
        if outcome is None and len(said[0]) + len(said[1]) < _MOST_NEGOTIATION:
            return
        self._end(outcome)

    def _end(self, outcome: Outcome) -> None:
        channel, waiting = self._channel, self._waiting
        self._waiting = ([], [])
        shared = channel.shared
        packet = located(shared.where, Side.CLIENT, waiting[0])
        if isinstance(outcome, Done):
            shared.facts.tunnels.append(Tunnel(outcome.kind, outcome.target, packet))
            self._inner = channel.inside()
            rest = (
                behind(waiting[0], outcome.client, exact=channel.exact),
                behind(waiting[1], outcome.server, exact=channel.exact),
            )
            self._inner.feed(*rest)
            return
        if isinstance(outcome, Failed) and outcome.kind != "STARTTLS":
            shared.facts.tunnels.append(Tunnel(outcome.kind, "", packet, outcome.why))
        self._inner = OpaqueLayer()

    def needed(self) -> tuple[int, int]:
        """See ``Layer``."""
        if self._inner is not None:
            return self._inner.needed()
        return lowest(self._waiting[0]), lowest(self._waiting[1])

    def close(self) -> None:
        """See ``Layer``."""
        if self._inner is None and self._unanswered is not None:
            said = [first_bytes(pieces, _MOST_NEGOTIATION) for pieces in self._waiting]
            self._end(self._unanswered(said[0], said[1]))
        if self._inner is not None:
            self._inner.close()
