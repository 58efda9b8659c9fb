"""Which connections a report keeps: all of them, unless there are so many that memory would not do.

What grows with a capture is its report. So the connections of one share ``ROOM``; those in which nothing
failed may take only a part of it, so that a flood of them leaves room for the others. What is not kept is
counted, and said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire import kernel
from plainwire.http.exchange_room import TOO_MANY
from plainwire.model import Undecrypted
from plainwire.plurals import count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from plainwire.model import Connection, Endpoint, Exchange, Request, Response

ROOM = 256 << 20
"""Bytes of memory that the connections and exchanges of a report may take, about."""

ROOM_OF_HEALTHY = 192 << 20
"""What of it those may take in which nothing failed."""

# Measured, in bytes.
_CONNECTION, _TLS_SESSION, _SEGMENT, _EXCHANGE, _FIELD, _EVENT = 2600, 2500, 70, 1900, 60, 250

_FEWEST_CUT = 1000
"""A connection with fewer exchanges is kept whole or not at all."""

_NAMED = 3
_CLIENT_ERROR = 400


class Kept:
    """Takes connections that are over. ``healthy`` and ``others`` count those that are not kept, and their
    exchanges.
    """

    def __init__(self, room: int = ROOM, room_of_healthy: int = ROOM_OF_HEALTHY) -> None:
        self.connections: list[Connection] = []
        self.healthy = [0, 0]
        self.others = [0, 0]
        self._room = room
        self._room_of_healthy = room_of_healthy

    def add(self, connection: Connection) -> Sequence[Exchange]:
        """Keep one more, or count it; returns its exchanges that are not kept.

        Of one with very many that has no room the first are kept, as many as half of the room has space for.
        """
        of_exchanges, all_plain = _burden(connection.exchanges)
        healthy = all_plain and _is_healthy(connection)
        room = min(self._room, self._room_of_healthy) if healthy else self._room
        cost = _own_cost(connection) + of_exchanges
        left_out: Sequence[Exchange] = ()
        if cost > room:
            left_out, cost = _cut(connection, cost, room // 2)
        if cost > room:
            counted = self.healthy if healthy else self.others
            counted[0] += 1
            counted[1] += len(connection.exchanges)
            return connection.exchanges
        self._room -= cost
        self._room_of_healthy -= cost if healthy else 0
        self.connections.append(connection)
        return left_out

    @property
    def keeps_all(self) -> bool:
        """Whether all were kept so far."""
        return not self.healthy[0] and not self.others[0]

    def notes(self) -> list[str]:
        """What is not kept, in words."""
        found = []
        for (connections, exchanges), which in (
            (self.healthy, "in which nothing failed"),
            (self.others, "in which something may have failed"),
        ):
            if connections:
                read = f"{count(connections, 'more connection')} with {count(exchanges, 'exchange')}"
                found.append(f"left out, because the report would have become too large: {read}, {which}")
        return found


def _is_healthy(connection: Connection) -> bool:
    """Whether nothing is missing, and no side broke the connection off, which had exchanges."""
    return (
        bool(connection.exchanges)
        and not (connection.undecrypted or connection.gaps)
        and all(close.kind not in ("rst", "alert") for close in connection.closes)
    )


def _burden(exchanges: list[Exchange]) -> tuple[int, bool]:
    """What exchanges cost, and whether every request has a whole response that is not an error."""
    if kernel.compiled is not None:
        known: tuple[int, bool] = kernel.compiled.burden(exchanges, (_EXCHANGE, _FIELD), _CLIENT_ERROR)
        return known
    return sum(map(_cost_of_exchange, exchanges)), all(map(_is_plain, exchanges))


def _is_plain(exchange: Exchange) -> bool:
    request, response = exchange.request, exchange.response
    return (
        exchange.outcome == "complete"
        and request is not None
        and response is not None
        and response.status < _CLIENT_ERROR
        and not (request.defects or response.defects)
    )


def _own_cost(connection: Connection) -> int:
    segments = 0 if connection.segments is None else len(connection.segments)
    sessions = len(connection.inner_tls) + (connection.tls is not None)
    return _CONNECTION + _TLS_SESSION * sessions + _SEGMENT * segments + _EVENT * len(connection.events)


def _cut(connection: Connection, cost: int, room: int) -> tuple[Sequence[Exchange], int]:
    """Take the last exchanges off so that the others fit; returns those, and what the rest costs."""
    taken, fitting = _own_cost(connection), 0
    for exchange in connection.exchanges:
        more = _cost_of_exchange(exchange)
        if taken + more > room:
            break
        taken += more
        fitting += 1
    if fitting < _FEWEST_CUT:
        return (), cost
    left_out = connection.exchanges[fitting:]
    del connection.exchanges[fitting:]
    first = left_out[0].request or left_out[0].response
    connection.undecrypted.append(Undecrypted(TOO_MANY, None, None if first is None else first.packet))
    return left_out, taken


def _cost_of_exchange(exchange: Exchange) -> int:
    messages = (exchange.request, exchange.response, *exchange.interim)
    return _EXCHANGE + sum(_cost_of_message(message) for message in messages if message is not None)


def _cost_of_message(message: Request | Response) -> int:
    fields = len(message.headers) + len(message.trailers) + len(message.defects)
    return _FIELD * fields + (0 if message.body is None else len(message.body))


def count_alike(
    connections: Sequence[Connection], counted: Mapping[tuple[int, bool], int], endpoints: Sequence[Endpoint]
) -> list[str]:
    """Tell attempts that are only counted at the last one like them that is kept; and in words."""
    if not counted:
        return []
    kept = {(c.server, bool(c.closes)): c for c in connections if not c.established}
    refused = [0, 0]
    for (server, was_refused), number in counted.items():
        refused[was_refused] += number
        alike = kept.get((endpoints[server], was_refused)) if server >= 0 else None
        if alike is not None:
            alike.alike += number
    outcomes = zip(refused, ("unanswered", "refused"), strict=True)
    return [
        f"only counted: {count(number, f'more {outcome} attempt')} to connect, like others in the report "
        f"({_servers(counted, endpoints, was_refused=outcome == 'refused')})"
        for number, outcome in outcomes
        if number
    ]


def _servers(
    counted: Mapping[tuple[int, bool], int], endpoints: Sequence[Endpoint], *, was_refused: bool
) -> str:
    """``203.0.113.7:443: 90000; 17 others: 900``."""
    each = {server: count for (server, refused), count in counted.items() if refused is was_refused}
    most = sorted((s for s in each if s >= 0), key=lambda server: -each[server])[:_NAMED]
    named = [f"{endpoints[server]}: {each[server]}" for server in most]
    rest = sum(each.values()) - sum(each[server] for server in most)
    return "; ".join([*named, *([f"others: {rest}"] if rest else [])])
