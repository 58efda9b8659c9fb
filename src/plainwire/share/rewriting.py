"""A connection without secrets: what each side sent, layer by layer, and what is to stand in its place.

Each layer is read as ``conversation`` reads it, on bytes that count from 0, and writes what may stay into
``WireText.made``: TLS hands its plain text to a layer of its own, and so do CONNECT and Upgrade. Where
nothing here knows what is spoken, nothing stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from plainwire.conversation.recognise import ENOUGH, Spoken, recognise
from plainwire.conversation.shared import first_bytes, located, without_holes_ahead
from plainwire.http.http1 import Http1
from plainwire.http.reading import Reading
from plainwire.model import Gap, Side
from plainwire.share import http1_text, http2_text
from plainwire.share.resealing import ResealedTls
from plainwire.share.websocket_text import WebSocketText
from plainwire.share.wire_text import InnerPlaces, WireText
from plainwire.tunnels import Done, proxy_protocol, socks, starttls

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from plainwire.http.http1 import Locator
    from plainwire.model import Connection, Exchange, Text
    from plainwire.share.hiding import Hider
    from plainwire.share.resealing import MadeUpSecrets
    from plainwire.tunnels import Outcome

_MOST_NESTED = 8
_MOST_NEGOTIATION = 1 << 17
_WITHOUT_TLS = ("websocket", "h2c")
_SWITCHED = b"HTTP/1.1 101 "
_NEGOTIATIONS: dict[Spoken, Callable[[bytes, bytes], Outcome]] = {
    Spoken.PROXY_PROTOCOL: proxy_protocol.negotiate,
    Spoken.SOCKS: socks.negotiate,
    Spoken.STARTTLS: starttls.negotiate,
}
Wires = tuple[WireText, WireText]
Opened = tuple[int, int, bytes]
Base = tuple[int, int] | None


class Rewriting(Struct):
    """What all layers of one connection need.

    ``opened``, by side: where records stood in the TCP stream, and the text that they carry now.
    """

    facts: Connection
    hider: Hider
    secrets: MadeUpSecrets
    reveals: bool = False
    """Nothing is hidden, and nothing sealed again: only what is within TLS is wanted."""
    opened: tuple[list[Opened], list[Opened]] = field(default_factory=lambda: ([], []))
    sealed_from: list[int | None] = field(default_factory=lambda: [None, None])
    """By side: the offset in the TCP stream from which on all is TLS."""


def rewrite(
    wires: Wires,
    where: tuple[Locator, Locator],
    work: Rewriting,
    *,
    alpn: str | None = None,
    late: bool = False,
    depth: int = 0,
    base: tuple[int, int] | None = (0, 0),
) -> None:
    """Put what may stay of this pair of streams into their ``made``.

    ``base``: where in the TCP streams their bytes begin; None where these carry them in records.

    Raises:
        UnsealableError: it holds TLS that nothing here seals again.

    """
    if work.reveals:
        for wire in wires:
            wire.keep(0, len(wire.data))
    if not any(wire.pieces for wire in wires) or depth > _MOST_NESTED:
        return
    kind = _spoken(wires, where, alpn=alpn, late=late)
    if kind is Spoken.TLS:
        _tls(wires, where, work, depth, base)
    elif kind is Spoken.HTTP1:
        _http1(wires, where, work, late=late, depth=depth, base=base)
    elif kind is Spoken.HTTP2 and not work.reveals:
        http2_text.rewrite(*wires, work.hider)
    elif kind in _NEGOTIATIONS:
        _negotiated(kind, wires, where, work, depth, base)


def _spoken(wires: Wires, where: tuple[Locator, Locator], *, alpn: str | None, late: bool) -> Spoken | None:
    client, server = (first_bytes(without_holes_ahead(wire.pieces), ENOUGH) for wire in wires)
    if not (client or server):
        return None
    said = [located(where, wire.side, wire.pieces) for wire in wires]
    first = bool(server) and (not client or said[Side.SERVER] < said[Side.CLIENT])
    return recognise(client, server, alpn=alpn, late=late, final=True, server_first=first)


def _tls(wires: Wires, where: tuple[Locator, Locator], work: Rewriting, depth: int, base: Base) -> None:
    session = ResealedTls(wires, work.secrets)
    inner = WireText(Side.CLIENT, session.plain[0]), WireText(Side.SERVER, session.plain[1])
    places = tuple(
        InnerPlaces(
            where[side], [at for at, _ in session.starts[side]], [at for _, at in session.starts[side]]
        )
        for side in Side
    )
    rewrite(inner, (places[0], places[1]), work, alpn=session.info.alpn, depth=depth + 1, base=None)
    if not work.reveals:
        session.seal(inner)
    if base is not None:
        for side in Side:
            work.sealed_from[side] = base[side]
            work.opened[side].extend(session.opened(inner[side], base[side]))
    if wires[1].data.startswith(b"HTTP/"):  # a server that does not speak TLS
        _http1(wires, where, work, late=False, depth=depth, base=base)


def _http1(
    wires: Wires,
    where: tuple[Locator, Locator],
    work: Rewriting,
    *,
    late: bool,
    depth: int,
    base: Base,
) -> None:
    http = Http1(Reading(), exact=True, joined_late=late)
    if wires[1].data.startswith(_SWITCHED):
        http.feed((), wires[1].pieces, where)  # what it answers was not captured, and decides what follows
        http.feed(wires[0].pieces, (), where)
    else:
        http.feed(wires[0].pieces, wires[1].pieces, where)
    switched = http.switched
    rest = http.tunnelled() if switched is not None else ([], [])
    exchanges = http.close(work.facts, where)
    if not work.reveals:
        http1_text.rewrite(exchanges, *wires, work.hider)
    if switched is None or not any(rest):
        return
    starts = [_first(pieces, len(wire.data)) for pieces, wire in zip(rest, wires, strict=True)]
    behind = _moved(Side.CLIENT, rest[0], starts[0]), _moved(Side.SERVER, rest[1], starts[1])
    moved = tuple(_Moved(where[side], starts[side]) for side in Side)
    inner_base = None if base is None else (base[0] + starts[0], base[1] + starts[1])
    _switch(switched, behind, (moved[0], moved[1]), work, depth, inner_base)
    for wire, inner, start in zip(wires, behind, starts, strict=True):
        wire.put(start, bytes(inner.made))


def _switch(
    exchange: Exchange,
    wires: Wires,
    where: tuple[Locator, Locator],
    work: Rewriting,
    depth: int,
    base: Base,
) -> None:
    headers = exchange.response.headers if exchange.response is not None else []
    named = {name.lower(): value.lower() for name, value in headers}
    upgrade = named.get("upgrade", "")
    if work.reveals and upgrade in _WITHOUT_TLS:
        for wire in wires:
            wire.keep(0, len(wire.data))
    elif upgrade == "websocket":
        compressed = "permessage-deflate" in named.get("sec-websocket-extensions", "")
        for wire in wires:
            wire.put(0, WebSocketText(work.hider, compressed=compressed).rewritten(wire.data))
    elif upgrade == "h2c":
        http2_text.rewrite(*wires, work.hider)
    else:
        rewrite(wires, where, work, depth=depth + 1, base=base)


def _negotiated(
    kind: Spoken,
    wires: Wires,
    where: tuple[Locator, Locator],
    work: Rewriting,
    depth: int,
    base: Base,
) -> None:
    """What precedes a tunnel, or TLS, in clear text; then what it leads to."""
    said = [wire.data[: min(wire.whole_until, _MOST_NEGOTIATION)] for wire in wires]
    outcome = _NEGOTIATIONS[kind](said[0], said[1])
    if isinstance(outcome, Done):
        sizes = outcome.client, outcome.server
    elif kind is Spoken.SOCKS:
        sizes = len(said[0]), len(said[1])
    else:
        return
    for wire, size in zip(wires, sizes, strict=True):
        if work.reveals:
            continue
        if kind is Spoken.STARTTLS and wire.data[:size].isascii():
            wire.put(0, work.hider.line(wire.data[:size]))
        else:
            wire.keep(0, size)
    if kind is Spoken.SOCKS and not work.reveals:
        for start, end in socks.credentials(said[0]):
            wires[0].put(start, work.hider.whole(said[0][start:end]))
    if not isinstance(outcome, Done):
        return
    rest = [_cut(wire.pieces, size) for wire, size in zip(wires, sizes, strict=True)]
    behind = _moved(Side.CLIENT, rest[0], sizes[0]), _moved(Side.SERVER, rest[1], sizes[1])
    moved = _Moved(where[0], sizes[0]), _Moved(where[1], sizes[1])
    inner_base = None if base is None else (base[0] + sizes[0], base[1] + sizes[1])
    rewrite(behind, moved, work, depth=depth + 1, base=inner_base)
    for wire, inner, size in zip(wires, behind, sizes, strict=True):
        wire.put(size, bytes(inner.made))


def _cut(pieces: Sequence[Text | Gap], size: int) -> list[Text | Gap]:
    """The pieces without their first ``size`` bytes, none of which is missing."""
    rest: list[Text | Gap] = []
    for piece in pieces:
        if isinstance(piece, Gap) or piece[1] >= size:
            rest.append(piece)
        elif piece[2] > size:
            rest.append((piece[0][size - piece[1] :], size, piece[2]))
    return rest


def _first(pieces: list[Text | Gap], end: int) -> int:
    if not pieces:
        return end
    first = pieces[0]
    return first.offset if isinstance(first, Gap) else first[1]


def _moved(side: Side, pieces: list[Text | Gap], start: int) -> WireText:
    """The pieces at offsets that count from their first byte."""
    moved: list[Text | Gap] = [
        Gap(piece.side, piece.offset - start, piece.length, piece.packet)
        if isinstance(piece, Gap)
        else (piece[0], piece[1] - start, piece[1] - start + len(piece[0]))
        for piece in pieces
    ]
    return WireText(side, moved)


class _Moved:
    """A locator whose offsets count from ``start``."""

    def __init__(self, outer: Locator, start: int) -> None:
        self._outer = outer
        self._start = start

    def locate(self, offsets: list[int]) -> tuple[list[int], list[int]]:
        return self._outer.locate([offset + self._start for offset in offsets])

    def begins(self, offset: int) -> bool:
        return self._outer.begins(offset + self._start)
