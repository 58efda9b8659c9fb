"""A pair of byte streams inside a connection, and what is spoken on it.

A channel waits until it can tell what it carries, and then hands everything to a layer. Layers that carry
other protocols (TLS, tunnels, HTTP's CONNECT and Upgrade) hold a channel of their own for the inside, so
that any nesting is read: TLS inside a tunnel inside TLS.

Layers that not every capture needs are imported where they are made: so short ones are read at once.

    TCP -> Channel -> TlsLayer -> Channel -> Http1Layer -> (CONNECT) -> Channel -> TlsLayer -> ...
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.conversation.layers.http1 import Http1Layer
from plainwire.conversation.layers.negotiation import NegotiationLayer
from plainwire.conversation.layers.opaque import OpaqueLayer
from plainwire.conversation.recognise import (
    ENOUGH,
    TWO_RECORDS,
    Spoken,
    holds_frames,
    holds_sealed_records,
    obvious,
    recognise,
)
from plainwire.conversation.shared import first_bytes, located, lowest, without_holes_ahead
from plainwire.model import Gap, Side
from plainwire.streams.speaker import is_client
from plainwire.tunnels import proxy_protocol, socks, starttls

if TYPE_CHECKING:
    from plainwire.conversation.layers.negotiation import Negotiate
    from plainwire.conversation.shared import Layer, Pieces, Shared
    from plainwire.model import Exchange, Text, TlsInfo

MOST_NESTED = 8
_NEGOTIATIONS: dict[Spoken, Negotiate] = {
    Spoken.PROXY_PROTOCOL: proxy_protocol.negotiate,
    Spoken.SOCKS: socks.negotiate,
    Spoken.STARTTLS: starttls.negotiate,
}
_SWITCHED = b"HTTP/1.1 101 "
_MOST_WAITING = 1 << 16


class Channel:
    """See the module's essay. ``exact``: text offsets are those of its bytes, not of a carrying record."""

    __slots__ = ("_late", "_layer", "_tls", "_waiting", "depth", "exact", "shared", "via")

    def __init__(
        self,
        shared: Shared,
        *,
        exact: bool,
        via: Exchange | None = None,
        tls: TlsInfo | None = None,
        late: bool = False,
        depth: int = 0,
    ) -> None:
        self.shared = shared
        self.exact = exact
        self.via = via
        self.depth = depth
        self._tls = tls  # the session that this is the inside of
        self._late = late
        self._layer: Layer | None = None
        self._waiting: tuple[list[Text | Gap], list[Text | Gap]] = ([], [])

    def feed(self, client: Pieces, server: Pieces) -> None:
        """Take what both sides sent since the last call."""
        if self._layer is not None:
            self._layer.feed(client, server)
        elif client or server:
            self._waiting[0].extend(client)
            self._waiting[1].extend(server)
            self._choose(final=False)

    def begin_late(self) -> None:
        """What it carries is seen from its middle on."""
        self._late = True

    def needed(self) -> tuple[int, int]:
        """Below these offsets of the TCP streams nothing will be looked up again."""
        if self._layer is not None:
            return self._layer.needed()
        low = [lowest(pieces) for pieces in self._waiting]
        return low[0], low[1]

    def close(self) -> None:
        """Nothing more will come."""
        if self._layer is None and any(self._waiting):
            self._choose(final=True)
        if self._layer is not None:
            self._layer.close()
            self._layer = OpaqueLayer()  # layers know their channel: this one must not go on to know them

    def _choose(self, *, final: bool) -> None:
        client = first_bytes(without_holes_ahead(self._waiting[Side.CLIENT]), ENOUGH)
        server = first_bytes(without_holes_ahead(self._waiting[Side.SERVER]), ENOUGH)
        if not (client or server) and not final:
            return
        kind: Spoken | None = Spoken.OTHER
        server_first = False
        alpn = self._tls.alpn if self._tls is not None else None
        known = obvious(client, server, late=self._late, alpn=alpn) if self.depth < MOST_NESTED else None
        if known is None or server.startswith(_SWITCHED):
            server_first = bool(server) and (not client or self._server_was_first())
            held = sum(len(p[0]) for pieces in self._waiting for p in pieces if not isinstance(p, Gap))
            final = final or held > _MOST_WAITING
        if known is not None:
            kind = known
        elif (client or server) and self.depth < MOST_NESTED:
            kind = recognise(
                client, server, alpn=alpn, late=self._late, final=final, server_first=server_first
            )
        if self._late and self.depth == 0 and kind in (Spoken.HTTP1, Spoken.OTHER):
            kind = self._in_mid_record(kind, client, server, final=final)
        if kind is None:
            return
        client_pieces, server_pieces = self._waiting
        self._waiting = ([], [])
        self._layer = self._make(kind)
        if kind is Spoken.HTTP1 and server_first and server.startswith(_SWITCHED):
            self._layer.feed((), server_pieces)  # what it answers was not captured, and decides what follows
            server_pieces = []
        self._layer.feed(client_pieces, server_pieces)

    def _server_was_first(self) -> bool:
        client, server = (located(self.shared.where, side, self._waiting[side]) for side in Side)
        return server < client

    def _in_mid_record(self, kind: Spoken, client: bytes, server: bytes, *, final: bool) -> Spoken | None:
        """What is seen from the middle of a record or frame on looks like anything: wait for what comes."""
        if is_client(client) is not None or is_client(server) is not None:
            return kind
        if any(holds_sealed_records(first_bytes(without_holes_ahead(p), TWO_RECORDS)) for p in self._waiting):
            return Spoken.TLS
        if any(holds_frames(first_bytes(without_holes_ahead(p), _MOST_WAITING)) for p in self._waiting):
            return Spoken.HTTP2
        return kind if final else None

    def _make(self, kind: Spoken) -> Layer:
        if kind is Spoken.TLS:
            from plainwire.conversation.layers.tls import TlsLayer  # noqa: PLC0415 - see above

            return TlsLayer(self)
        if kind is Spoken.HTTP1:
            return Http1Layer(self, joined_late=self._late)
        if kind is Spoken.HTTP2:
            from plainwire.conversation.layers.http2 import Http2Layer  # noqa: PLC0415 - see above

            return Http2Layer(self)
        negotiate = _NEGOTIATIONS.get(kind)
        if negotiate is None:
            return OpaqueLayer()
        return NegotiationLayer(self, negotiate, socks.unanswered if kind is Spoken.SOCKS else None)

    def inside(
        self, *, exact: bool | None = None, via: Exchange | None = None, tls: TlsInfo | None = None
    ) -> Channel:
        """A channel for what this one's layer carries."""
        return Channel(
            self.shared,
            exact=self.exact if exact is None else exact,
            via=via or self.via,
            tls=tls,
            depth=self.depth + 1,
        )
