"""One TCP connection: what was said on it, by layers (see ``channel``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.conversation.channel import Channel
from plainwire.conversation.shared import Shared
from plainwire.model import Gap, Text

if TYPE_CHECKING:
    from plainwire.http.reading import Reading
    from plainwire.model import Connection, Exchange
    from plainwire.streams.direction import Direction
    from plainwire.streams.tcp_assembler import TcpConnection
    from plainwire.tls.keylog import KeyLog


class Conversation:
    """Knows no other connection, so that connections can be worked on in any order and anywhere."""

    __slots__ = ("_channel", "_shared", "tcp")

    def __init__(self, tcp: TcpConnection, keys: KeyLog, reading: Reading) -> None:
        self.tcp = tcp
        where = (tcp.directions[0].positions, tcp.directions[1].positions)
        self._shared = Shared(tcp.facts, where, keys, reading, where)
        self._channel: Channel | None = None

    @property
    def facts(self) -> Connection:
        """What is known of the connection."""
        return self.tcp.facts

    def discard(self) -> None:
        """Let go of what the connection has delivered."""
        for direction in self.tcp.directions:
            direction.pieces.clear()

    def feed(self) -> None:
        """Take what the connection has delivered since the last call."""
        client, server = self.tcp.directions
        if not (client.pieces or server.pieces):
            return
        channel = self._channel
        if channel is None:  # whether the capture began in mid-connection is known by now
            channel = self._channel = Channel(self._shared, exact=True, late=self.tcp.facts.mid_stream)
        channel.feed(self._take(client), self._take(server))
        for direction, needed in zip(self.tcp.directions, channel.needed(), strict=True):
            direction.positions.forget(min(needed, direction.next - 1))

    def _take(self, direction: Direction) -> list[Text | Gap]:
        pieces: list[Text | Gap] = []
        for piece in direction.pieces:
            if isinstance(piece, Gap):
                self.tcp.facts.gaps.append(piece)
                pieces.append(piece)
            else:
                pieces.append((piece[1], piece[0], piece[0] + len(piece[1])))
        direction.pieces.clear()
        return pieces

    def finish(self) -> Connection:
        """The connection is over: complete its facts and its exchanges."""
        facts = self.tcp.finish()
        self.feed()
        self._shared.settle_closes()
        if self._channel is not None:
            self._channel.close()
        facts.exchanges.sort(key=_packet)
        facts.gaps.sort(key=lambda gap: (gap.packet, gap.side, gap.offset))  # sides are read in turn
        return facts


def _packet(exchange: Exchange) -> int:
    first = exchange.request or exchange.response
    return first.packet if first else 0
