"""Copies of one request that were under way at a time, of which the client needed one (hedged requests).

Who cannot wait for a slow answer sends the request once more, takes what comes first, and drops the other:
gRPC's hedging, Envoy's ``hedge_policy``, programs that race two tasks. The copy that is dropped did not fail.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from plainwire.diagnose.evidence.exchanges import ERROR_STATUS

from .copies import twin
from .given_up import given_up

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.model import Connection, Exchange, Response

    from .copies import Twin

_DROPPED_WITHIN_NS = 100_000_000
"""Whoever has its answer drops the other copy by then (chosen: a busy machine needs some of it)."""


def spare_copies(connections: Sequence[Connection]) -> frozenset[int]:
    """The exchanges, by id, that their client ended since another copy, sent meanwhile, had been answered.

    Only where one copy and no other was answered while they were open: where many are, as under load, the
    end of one has nothing to do with that.
    """
    dropped = [
        (connection, exchange, one.ended_ns)
        for connection in connections
        for exchange in _perhaps_dropped(connection)
        if (one := given_up(connection, exchange)) is not None
    ]
    if not dropped:
        return frozenset()
    answers = _answers(connections, {twin(e.request) for _, e, _ in dropped if e.request is not None})
    return frozenset(
        exchange.id
        for connection, exchange, ended_ns in dropped
        if _needless(exchange, ended_ns, answers.get(_key(connection, exchange), []))
    )


def _perhaps_dropped(connection: Connection) -> list[Exchange]:
    """Of HTTP/1 the last, whose answer may still have come; of streams those that ended so."""
    exchanges = connection.exchanges
    if not exchanges or exchanges[-1].protocol == "http/1.1":
        return exchanges[-1:]
    return [exchange for exchange in exchanges if exchange.outcome == "aborted"]


def _needless(exchange: Exchange, ended_ns: int, answers: list[tuple[Exchange, Response]]) -> bool:
    began_ns = 0 if exchange.request is None else exchange.request.time_ns
    meanwhile = [
        (copy, response)
        for copy, response in answers
        if copy.id != exchange.id and began_ns < response.time_ns <= ended_ns
    ]
    if len(meanwhile) != 1:
        return False
    copy, response = meanwhile[0]
    granted = copy.outcome == "complete" and response.status < ERROR_STATUS
    if copy.grpc is not None and copy.grpc.status:
        return False
    return granted and ended_ns - response.last_ns <= _DROPPED_WITHIN_NS


_Key = tuple["int | str", "Twin"]


def _key(connection: Connection, exchange: Exchange) -> _Key | None:
    owner = connection.client.address if connection.program is None else connection.program.pid
    return None if exchange.request is None else (owner, twin(exchange.request))


def _answers(
    connections: Sequence[Connection], wanted: set[Twin]
) -> dict[_Key | None, list[tuple[Exchange, Response]]]:
    """The copies of these requests that were answered, by process (or host) and request."""
    found: dict[_Key | None, list[tuple[Exchange, Response]]] = defaultdict(list)
    targets = {name[1] for name in wanted}
    for connection in connections:
        for exchange in connection.exchanges:
            request, response = exchange.request, exchange.response
            if request is None or response is None or request.target not in targets:
                continue
            if twin(request) in wanted and response.complete:
                found[_key(connection, exchange)].append((exchange, response))
    return found
