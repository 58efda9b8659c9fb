"""Both sides of a gateway in one capture: which exchange behind it carried a request on.

A gateway takes a request on one connection and sends it on another. Where both are in the capture, what came
to it and what it passed on can be told apart.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import Struct

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


class Leg(Struct, frozen=True):
    """One exchange on its connection."""

    connection: Connection
    exchange: Exchange


class Legs:
    """The exchanges of a capture, by what was asked for."""

    def __init__(self, connections: Sequence[Connection]) -> None:
        self._connections = connections

    @cached_property
    def _relayed(self) -> bool:
        """Whether anything here can be a gateway: one server alone has none behind it."""
        return len({connection.server for connection in self._connections}) > 1

    @cached_property
    def _by_target(self) -> dict[tuple[str, str], list[Leg]]:
        """By what was asked for; by time of the request."""
        found: dict[tuple[str, str], list[Leg]] = {}
        for connection in self._connections:
            for exchange in connection.exchanges:
                if exchange.request is not None:
                    found.setdefault(_asked(exchange.request), []).append(Leg(connection, exchange))
        for legs in found.values():
            legs.sort(key=_began)
        return found

    def _between(self, request: Request, since: int, until: int) -> list[Leg]:
        """The same requests that began between two times."""
        legs = self._by_target.get(_asked(request), [])
        first, last = bisect_left(legs, since, key=_began), bisect_right(legs, until, key=_began)
        return legs[first : min(last, first + _MOST_CANDIDATES)]

    def behind(self, connection: Connection, exchange: Exchange) -> Leg | None:
        """The exchange by which a gateway carried this one on; None where none is it, or several may be."""
        request = exchange.request
        if request is None or not self._relayed:
            return None
        near = self._between(request, request.time_ns, request.time_ns + _FORWARDED_NS)
        found = [leg for leg in near if _carries_on(connection, leg.connection)]
        return found[0] if len(found) == 1 else None

    def in_front(self, connection: Connection, exchange: Exchange) -> Leg | None:
        """The exchange that this one carries on behind a gateway."""
        request = exchange.request
        if request is None or not self._relayed:
            return None
        for leg in self._between(request, request.time_ns - _FORWARDED_NS, request.time_ns):
            if not _carries_on(leg.connection, connection):
                continue
            behind = self.behind(leg.connection, leg.exchange)
            if behind is not None and behind.exchange is exchange:
                return leg
        return None

    def follows(self, connection: Connection, exchange: Exchange) -> bool:
        """Whether the gateway gave this exchange up because of the one in front of it, or together with it.

        Then it is not a failure of its own: the one in front is told, with this one beside it.
        """
        if exchange.outcome != "aborted" and exchange.websocket is None:
            return False
        given_up = ended_ns(connection, exchange)
        if given_up is None or _ender(connection, exchange) != Side.CLIENT:
            return False
        front = self.in_front(connection, exchange)
        ended = None if front is None else ended_ns(front.connection, front.exchange)
        if front is None or ended is None:
            return False
        failed = front.exchange.outcome != "complete" or front.exchange.websocket is not None
        return failed and abs(given_up - ended) <= _ENDS_TOGETHER_NS


def ended_ns(connection: Connection, exchange: Exchange) -> int | None:
    """When the exchange was ended by a reset of its stream, or by the first close of its connection."""
    if exchange.reset is not None:
        return exchange.reset.time_ns
    return connection.closes[0].time_ns if connection.closes else None


def _ender(connection: Connection, exchange: Exchange) -> Side | None:
    if exchange.reset is not None:
        return exchange.reset.side
    return Side.CLIENT if client_first(connection) is not None else Side.SERVER


def _began(leg: Leg) -> int:
    return leg.exchange.request.time_ns if leg.exchange.request is not None else 0


def _asked(request: Request) -> tuple[str, str]:
    return request.method, request.target


def _carries_on(front: Connection, behind: Connection) -> bool:
    """Whether the second connection may begin where the first one ends: on the gateway's own host."""
    return (
        front is not behind
        and front.server != behind.server
        and (behind.client.address == front.server.address or behind.client.address != front.client.address)
    )
