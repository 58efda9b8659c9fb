"""Both sides of a gateway in one capture: which exchange behind it carried a request on.

A gateway takes a request on one connection and sends it on another. Where both are in the capture, what came
to it and what it passed on can be told apart.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from plainwire.diagnose.evidence.closes import client_first
from plainwire.model import Side

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.model import Connection, Exchange, Request

_FORWARDED_NS = 1_000_000_000
"""A gateway passes a request on within this time, or it waits for a connection of its own."""

_ENDS_TOGETHER_NS = 1_000_000_000
"""One side of a gateway ends within this time of the other, where the one is the cause of the other."""

_MOST_CANDIDATES = 50


class Leg(NamedTuple):
    """One exchange on its connection."""

    connection: Connection
    exchange: Exchange


class Legs:
    """The exchanges of a capture, by what was asked for."""

    def __init__(self, connections: Sequence[Connection]) -> None:
        self._connections = connections

    @cached_property
    def _by_target(self) -> dict[tuple[str, str], list[tuple[int, Leg]]]:
        found: dict[tuple[str, str], list[tuple[int, Leg]]] = {}
        for connection in self._connections:
            for exchange in connection.exchanges:
                request = exchange.request
                if request is not None:
                    place = found.setdefault(_asked(request), [])
                    place.append((request.time_ns, Leg(connection, exchange)))
        for legs in found.values():
            legs.sort(key=lambda pair: pair[0])
        return found

    def behind(self, connection: Connection, exchange: Exchange) -> Leg | None:
        """The exchange by which a gateway carried this one on; None where none, or more than one, could "
        "be it.
        """
        request = exchange.request
        if request is None or len(self._connections) < 2:
            return None
        until = request.time_ns + _FORWARDED_NS
        found = [
            leg
            for time_ns, leg in self._by_target.get(_asked(request), ())[:_MOST_CANDIDATES]
            if request.time_ns <= time_ns <= until and _carries_on(connection, leg.connection)
        ]
        return found[0] if len(found) == 1 else None

    def in_front(self, connection: Connection, exchange: Exchange) -> Leg | None:
        """The exchange that this one carries on behind a gateway."""
        request = exchange.request
        if request is None or len(self._connections) < 2:
            return None
        for time_ns, leg in self._by_target.get(_asked(request), ())[:_MOST_CANDIDATES]:
            if not request.time_ns - _FORWARDED_NS <= time_ns <= request.time_ns:
                continue
            behind = self.behind(leg.connection, leg.exchange)
            if behind is not None and behind.exchange is exchange and leg.connection is not connection:
                return leg
        return None

    def follows(self, connection: Connection, exchange: Exchange) -> bool:
        """Whether the gateway gave this exchange up because of the one in front of it, or together with it.

        Then it is no failure of its own: the one in front is told, with this one beside it.
        """
        given_up = ended_ns(connection, exchange)
        if exchange.outcome != "aborted" and exchange.websocket is None:
            return False
        front = self.in_front(connection, exchange)
        if given_up is None or front is None or _ender(connection, exchange) != Side.CLIENT:
            return False
        ended = ended_ns(*front)
        failed = front.exchange.outcome != "complete" or front.exchange.websocket is not None
        return failed and ended is not None and abs(given_up - ended) <= _ENDS_TOGETHER_NS


def ended_ns(connection: Connection, exchange: Exchange) -> int | None:
    """When the exchange was ended by a reset of its stream, or by the first close of its connection."""
    if exchange.reset is not None:
        return exchange.reset.time_ns
    return connection.closes[0].time_ns if connection.closes else None


def _ender(connection: Connection, exchange: Exchange) -> Side | None:
    if exchange.reset is not None:
        return exchange.reset.side
    return Side.CLIENT if client_first(connection) is not None else Side.SERVER


def _asked(request: Request) -> tuple[str, str]:
    return request.method, request.target


def _carries_on(front: Connection, behind: Connection) -> bool:
    """Whether the second connection may begin where the first one ends: on the gateway's own host."""
    return (
        front is not behind
        and front.server != behind.server
        and (behind.client.address == front.server.address or behind.client.address != front.client.address)
    )
