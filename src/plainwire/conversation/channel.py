"""A pair of byte streams inside a connection, and what is spoken on it.

A channel waits until it can tell what it carries, and then hands everything to a layer. Layers that carry
other protocols (TLS, tunnels, HTTP's CONNECT and Upgrade) hold a channel of their own for the inside, so
that any nesting is read: TLS inside a tunnel inside TLS.

Readers that not every capture needs are imported where they are made: so short ones are read at once.

    TCP -> Channel -> TlsLayer -> Channel -> Http1Layer -> (CONNECT) -> Channel -> TlsLayer -> ...
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from plainwire.conversation.recognise import ENOUGH, Spoken, recognise
from plainwire.conversation.shared import NOTHING_NEEDED, Layer, Shared, behind, first_bytes, located
from plainwire.http.budget import Budget
from plainwire.http.http1 import Http1
from plainwire.http.http1_recognise import NOT_HTTP
from plainwire.http.websocket import WebSocketReader
from plainwire.model import Exchange, Gap, Request, Side, Text, TlsInfo, Tunnel
from plainwire.tunnels import Done, Failed, proxy_protocol, socks, starttls

if TYPE_CHECKING:
    from collections.abc import Callable

    from plainwire.conversation.shared import Pieces
    from plainwire.http.http2 import Http2
    from plainwire.tunnels import Outcome

    Negotiate = Callable[[bytes, bytes], Outcome]

MOST_NESTED = 8
_NEGOTIATIONS: dict[Spoken, Negotiate] = {
    Spoken.PROXY_PROTOCOL: proxy_protocol.negotiate,
    Spoken.SOCKS: socks.negotiate,
    Spoken.STARTTLS: starttls.negotiate,
}
_SWITCHED = b"HTTP/1.1 101 "
_MOST_WAITING = 1 << 16
_MOST_NEGOTIATION = 1 << 17


class Channel:
    """See the module's essay. ``exact``: text offsets are those of its bytes, not of a carrying record."""

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

    def needed(self) -> tuple[int, int]:
        """Below these offsets of the TCP streams nothing will be looked up again."""
        if self._layer is not None:
            return self._layer.needed()
        low = [_lowest(pieces) for pieces in self._waiting]
        return low[0], low[1]

    def close(self) -> None:
        """Nothing more will come."""
        if self._layer is None and any(self._waiting):
            self._choose(final=True)
        if self._layer is not None:
            self._layer.close()

    def _choose(self, *, final: bool) -> None:
        client, server = (first_bytes(_without_holes_ahead(p), ENOUGH) for p in self._waiting)
        if not (client or server) and not final:
            return
        held = sum(len(p[0]) for pieces in self._waiting for p in pieces if not isinstance(p, Gap))
        final = final or held > _MOST_WAITING
        kind: Spoken | None = Spoken.OTHER
        said = [located(self.shared.where, side, self._waiting[side]) for side in Side]
        server_first = bool(server) and (not client or said[Side.SERVER] < said[Side.CLIENT])
        if (client or server) and self.depth < MOST_NESTED:
            alpn = self._tls.alpn if self._tls is not None else None
            kind = recognise(
                client, server, alpn=alpn, late=self._late, final=final, server_first=server_first
            )
        if kind is None:
            return
        client_pieces, server_pieces = self._waiting
        self._waiting = ([], [])
        self._layer = self._make(kind)
        if kind is Spoken.HTTP1 and server_first and server.startswith(_SWITCHED):
            self._layer.feed((), server_pieces)  # what it answers was not captured, and decides what follows
            server_pieces = []
        self._layer.feed(client_pieces, server_pieces)

    def _make(self, kind: Spoken) -> Layer:
        if kind is Spoken.TLS:
            return TlsLayer(self)
        if kind is Spoken.HTTP1:
            return Http1Layer(self, joined_late=self._late)
        if kind is Spoken.HTTP2:
            return Http2Layer(self, _http2(self.shared))
        negotiate = _NEGOTIATIONS.get(kind)
        return Opaque() if negotiate is None else Negotiation(self, negotiate)

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


class Opaque:
    """Bytes that nothing can be made of."""

    def feed(self, client: Pieces, server: Pieces) -> None:
        """See ``Layer``."""

    def needed(self) -> tuple[int, int]:
        """See ``Layer``."""
        return NOTHING_NEEDED, NOTHING_NEEDED

    def close(self) -> None:
        """See ``Layer``."""


class TlsLayer:
    """A TLS session, and the channel of its plain text.

    The session counts bytes. Where the channel's offsets are those of carriers (TLS inside TLS), it is given
    offsets of its own, and ``_carriers`` lead back from them.
    """

    def __init__(self, channel: Channel) -> None:
        self._shared = channel.shared
        from plainwire.tls.session import TlsSession  # noqa: PLC0415 - see above

        self._session = TlsSession(channel.shared.keys)
        self._carriers = None if channel.exact else (Carriers(), Carriers())
        self._inner = channel.inside(exact=False, tls=self._session.info)
        self._channel = channel
        self._answered = False  # the server has said something
        self._clear: Http1Layer | None = None  # for a server that does not speak TLS
        channel.shared.begin_tls(self._session.info)

    def feed(self, client: Pieces, server: Pieces) -> None:
        """See ``Layer``."""
        if server and not self._answered:
            self._answered = True
            if first_bytes(server, 5).startswith(b"HTTP/"):
                self._clear = Http1Layer(self._channel, joined_late=False)
        if self._clear is not None:
            self._clear.feed((), server)
        session, carriers = self._session, self._carriers
        for side, pieces in ((Side.CLIENT, client), (Side.SERVER, server)):
            for piece in pieces:
                if isinstance(piece, Gap):
                    session.gap(piece if carriers is None else carriers[side].gap(piece))
                elif carriers is None:
                    session.feed(side, piece[1], piece[0])
                else:
                    session.feed(side, carriers[side].add(piece), piece[0])
        session.advance()
        self._pass_on()

    def _pass_on(self) -> None:
        session, carriers, shared = self._session, self._carriers, self._shared
        client, server = session.plain(Side.CLIENT), session.plain(Side.SERVER)
        if client or server:
            shared.facts.decrypted = True
        for alert in session.alerts:
            outer = alert
            if carriers is not None:
                outer = alert._replace(start=carriers[alert.side].start_of(alert.start))
            shared.alert(outer)
        session.alerts.clear()
        for reason in session.reasons:
            at = reason.offset if carriers is None else carriers[reason.side].start_of(reason.offset)
            shared.undecrypted(reason._replace(offset=at))
        session.reasons.clear()
        for reuse in session.reuses:
            at = reuse.start if carriers is None else carriers[reuse.side].start_of(reuse.start)
            shared.reused(session.info, reuse, at, reuse.first if carriers is None else None)
        session.reuses.clear()
        for later in session.later:
            at = later.offset if carriers is None else carriers[later.side].start_of(later.offset)
            shared.afterwards(session.info, later._replace(offset=at))
        session.later.clear()
        if carriers is None:
            self._inner.feed(client, server)
        else:
            self._inner.feed(carriers[0].outer(client), carriers[1].outer(server))

    def needed(self) -> tuple[int, int]:
        """See ``Layer``."""
        return self._inner.needed()

    def close(self) -> None:
        """See ``Layer``."""
        self._session.close()
        self._pass_on()
        facts = self._shared.facts
        facts.decrypted = facts.decrypted or self._session.info.handshake_complete
        self._shared.settle_closes()
        self._inner.close()
        if self._clear is not None:
            self._clear.close()


class Carriers:
    """The way from the offsets of a session inside a session to those of the TCP stream."""

    def __init__(self) -> None:
        self._size = 0
        self._starts: list[int] = []
        self._outer: list[tuple[int, int]] = []

    def add(self, text: Text) -> int:
        """Take the next text; its own offset."""
        at = self._size
        self._starts.append(at)
        self._outer.append((text[1], text[2]))
        self._size += len(text[0])
        return at

    def gap(self, gap: Gap) -> Gap:
        """The same hole at the session's own offset."""
        return Gap(gap.side, self._size, gap.length, gap.packet)

    def _find(self, offset: int) -> tuple[int, int]:
        if not self._outer:
            return 0, 0
        return self._outer[max(bisect_right(self._starts, offset) - 1, 0)]

    def start_of(self, offset: int) -> int:
        """Where what carried the byte at ``offset`` begins in the TCP stream."""
        return self._find(offset)[0]

    def outer(self, texts: Pieces) -> list[Text | Gap]:
        """Texts with the offsets of the TCP stream."""
        moved: list[Text | Gap] = []
        for text in texts:
            if isinstance(text, Gap):
                moved.append(Gap(text.side, self.start_of(text.offset), text.length, text.packet))
            else:
                moved.append((text[0], self._find(text[1])[0], self._find(text[2] - 1)[1]))
        if moved:
            self._forget(texts[-1])
        return moved

    def _forget(self, last: Text | Gap) -> None:
        """What lies before the last text that came out is not asked for again."""
        at = bisect_right(self._starts, last.offset if isinstance(last, Gap) else last[1]) - 1
        if at > 0:
            del self._starts[:at], self._outer[:at]


class WebSocketLayer:
    """What an exchange that became a WebSocket carries."""

    def __init__(self, shared: Shared, exchange: Exchange) -> None:
        self._shared = shared
        self._reader = WebSocketReader(exchange, Budget(shared.reading.budget))

    def feed(self, client: Pieces, server: Pieces) -> None:
        """See ``Layer``."""
        self._reader.feed(client, server, self._shared.where)

    def needed(self) -> tuple[int, int]:
        """See ``Layer``."""
        return self._reader.looked_up_to()

    def close(self) -> None:
        """See ``Layer``."""
        self._shared.deliver(self._reader.close(self._shared.facts, self._shared.where), None, "websocket")


class Tunnels:
    """What the CONNECT streams of HTTP/2 and HTTP/3 carry (RFC 9113 section 8.5, RFC 8441, RFC 9220)."""

    def __init__(self) -> None:
        self._inner: dict[int, tuple[Exchange, Channel | WebSocketLayer]] = {}  # by id(exchange)

    def feed(
        self, texts: list[tuple[Exchange, Side, Text | Gap]], channel: Callable[[Exchange], Channel]
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


class Http2Layer:
    """HTTP/2, and what its CONNECT streams carry."""

    def __init__(self, channel: Channel, http: Http2) -> None:
        self._channel = channel
        self._http = http
        self._tunnels = Tunnels()

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


class Http1Layer:
    """HTTP/1.x, and the channel that a CONNECT or an Upgrade turns it into."""

    def __init__(self, channel: Channel, *, joined_late: bool) -> None:
        shared = channel.shared
        self._channel = channel
        self._http = Http1(shared.reading, exact=channel.exact, joined_late=joined_late)
        self._inner: Layer | Channel | None = None

    def feed(self, client: Pieces, server: Pieces) -> None:
        """See ``Layer``."""
        http = self._http
        http.feed(client, server, self._channel.shared.where)
        if http.switched is not None:
            if self._inner is None:
                self._inner = self._switch(http.switched)
            self._inner.feed(*http.tunnelled())

    def _switch(self, exchange: Exchange) -> Layer | Channel:
        """By what the 101 response says, or by the bytes where a CONNECT was answered."""
        channel = self._channel
        upgrade = _upgrade(exchange)
        inside = channel.inside(via=exchange)
        if upgrade == "websocket":
            return WebSocketLayer(channel.shared, exchange)
        if upgrade == "h2c":
            return Http2Layer(inside, _http2(channel.shared, exchange.request))
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


class Negotiation:
    """What precedes a tunnel in clear text, and then the tunnel's channel."""

    def __init__(self, channel: Channel, negotiate: Negotiate) -> None:
        self._channel = channel
        self._negotiate = negotiate
        self._waiting: tuple[list[Text | Gap], list[Text | Gap]] = ([], [])
        self._inner: Channel | Opaque | None = None

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
        self._inner = Opaque()

    def needed(self) -> tuple[int, int]:
        """See ``Layer``."""
        if self._inner is not None:
            return self._inner.needed()
        return _lowest(self._waiting[0]), _lowest(self._waiting[1])

    def close(self) -> None:
        """See ``Layer``."""
        if self._inner is not None:
            self._inner.close()


def _http2(shared: Shared, upgraded: Request | None = None) -> Http2:
    from plainwire.http.http2 import Http2  # noqa: PLC0415 - see above

    return Http2(shared.reading, upgraded=upgraded)


def _upgrade(exchange: Exchange) -> str:
    """The protocol that a 101 response names (RFC 9110 section 7.8)."""
    response = exchange.response
    if response is None or response.status != 101:
        return ""
    return next((v.strip().lower() for n, v in response.headers if n.lower() == "upgrade"), "")


def _without_holes_ahead(pieces: Pieces) -> Pieces:
    at = 0
    while at < len(pieces) and isinstance(pieces[at], Gap):
        at += 1
    return pieces[at:] if at else pieces


def _lowest(pieces: Pieces) -> int:
    if not pieces:
        return NOTHING_NEEDED
    first = pieces[0]
    return (first.offset if isinstance(first, Gap) else first[1]) - 1
