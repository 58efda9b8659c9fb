"""Rules that the server of HTTP/2 broke beside its messages, and that the client left for.

Clients end a connection on which the server breaks such a rule, many without a frame that says why (Go's,
httpx's): on the wire they seem to have hung up by themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.model import Side, StreamEvent

if TYPE_CHECKING:
    from collections.abc import Iterable

    from plainwire.model import Connection, Exchange

_LEFT_WITHIN_NS = 1_000_000_000
"""A client refuses what it may not take as soon as it has read it (chosen: a busy machine)."""
_NO_SUCH_STATUS = 101
"""Of an interim response: RFC 9113 section 8.6."""


def breach_of(
    connection: Connection,
    exchange: Exchange,
    breaches: Iterable[StreamEvent],
    goaways: Iterable[StreamEvent],
) -> StreamEvent | None:
    """What the server did that is forbidden, where the client gave the exchange up right behind it.

    ``breaches`` and ``goaways`` are the connection's events of these kinds.
    """
    found = next((event for event in breaches if _is_about(event, exchange)), None)
    if found is None:
        for interim in exchange.interim:
            if interim.status == _NO_SUCH_STATUS:
                what = "status 101, which HTTP/2 does not have (section 8.6)"
                at = interim.time_ns, interim.packet, exchange.stream
                found = StreamEvent("breach", Side.SERVER, *at, detail=what)
    if found is None or not _left_behind(connection, exchange, found, goaways):
        return None
    return found


def _is_about(event: StreamEvent, exchange: Exchange) -> bool:
    request = exchange.request
    return event.stream in (None, exchange.stream) and request is not None and event.time_ns > request.time_ns


def _left_behind(
    connection: Connection, exchange: Exchange, breach: StreamEvent, goaways: Iterable[StreamEvent]
) -> bool:
    """Whether the client's next act was to give the stream or the connection up."""
    acts = [(c.time_ns, c.side) for c in connection.closes]
    acts += [(e.time_ns, e.side) for e in goaways if e.code]
    if exchange.reset is not None:
        acts.append((exchange.reset.time_ns, exchange.reset.side))
    first = min((act for act in acts if act[0] >= breach.time_ns), default=None)
    return first is not None and first[1] is Side.CLIENT and first[0] - breach.time_ns <= _LEFT_WITHIN_NS
