"""Rule response-desync: responses that do not belong to the requests that they seem to answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.model import Evidence

from . import primitives, words
from .unsolicited import SUSPECT_STATUSES
from .verdict import Verdict

if TYPE_CHECKING:
    from plainwire.model import Connection, Exchange, Request

    from .survey import Survey

_IDENTIFIERS = frozenset(("x-request-id", "x-correlation-id", "x-client-request-id", "x-trace-id"))
_MOST_LOOKED_AT = 2000


def responses_to_nothing(survey: Survey) -> list[Verdict]:
    """Responses that were sent before the request that they would answer had arrived at the server."""
    found: list[Verdict] = []
    for connection, place in survey.unasked:
        verdict = _to_nothing(connection, place)
        if verdict is not None:
            found.append(verdict)
    return found


def _to_nothing(connection: Connection, place: int) -> Verdict | None:
    exchange = connection.exchanges[place]
    response = exchange.response
    before = [e for e in connection.exchanges[:place] if e.request is not None]
    if response is None or not response.status or not before or response.status in SUSPECT_STATUSES:
        return None
    if response.close_announced or connection.mid_stream or connection.gaps:
        return None
    after = next((e for e in connection.exchanges[place + 1 :] if e.request is not None), None)
    known = primitives.ack_at(connection, response.packet)
    if after is not None and after.request is not None and (known is None or known > after.request.start):
        return None  # packets that changed places in the capture
    taken = "" if after is None or after.request is None else (
        f" The client sent the request of exchange {after.id} behind it, and could take it for the "
        f"answer: from here "
        "on each answer may be that to the request before."
    )  # fmt: skip
    last = before[-1]
    return Verdict(
        code="response-desync",
        connection=connection,
        exchanges=(last.id, exchange.id) if after is None else (last.id, exchange.id, after.id),
        fault="server",
        certainty="proved" if connection.tls is not None and connection.decrypted else "likely",
        facts=f"After the answer to exchange {last.id} came another response (status {response.status}) "
        f"that no "
        f"request had asked for.{taken}",
        evidence=(
            *((Evidence(last.response.packet, "the response that was asked for"),) if last.response else ()),
            Evidence(response.packet, f"another response, status {response.status}, to no request"),
            *(
                (Evidence(after.request.packet, f"the next request, {words.run(after.request)}"),)
                if after is not None and after.request is not None
                else ()
            ),
        ),
        runner_up="unsolicited-408: refuted, the status is another",
        retry_safe=None,
        time_ns=last.request.time_ns if last.request is not None else 0,
        failure=after is not None,
    )


def swapped_identifiers(survey: Survey) -> list[Verdict]:
    """Responses that bear the identifier of another request on the same connection."""
    found: list[Verdict] = []
    for connection in survey.world.connections:
        if not connection.exchanges or len(connection.exchanges) < 2:
            continue
        first = connection.exchanges[0].request
        name = None if first is None else _identifier_name(first)
        if name is not None:
            found += _swapped(connection, name)
    return found


def _identifier_name(request: Request) -> str | None:
    return next((name.lower() for name, _ in request.headers if name.lower() in _IDENTIFIERS), None)


def _swapped(connection: Connection, name: str) -> list[Verdict]:
    own: dict[str, Exchange] = {}
    repeated: set[str] = set()
    for exchange in connection.exchanges[:_MOST_LOOKED_AT]:
        mine = _field(exchange.request.headers, name) if exchange.request is not None else None
        if mine is not None:
            repeated.update({mine} & own.keys())
            own[mine] = exchange
    found: list[Verdict] = []
    for exchange in connection.exchanges[:_MOST_LOOKED_AT]:
        if exchange.request is None or exchange.response is None:
            continue
        theirs, mine = _field(exchange.response.headers, name), _field(exchange.request.headers, name)
        other = own.get(theirs) if theirs is not None and theirs != mine and theirs not in repeated else None
        if other is None or other.request is None:
            continue
        found.append(_swap(connection, exchange, other))
    return found


def _swap(connection: Connection, exchange: Exchange, other: Exchange) -> Verdict:
    request, response, theirs = exchange.request, exchange.response, other.request
    packets = [m.packet for m in (theirs, request, response) if m is not None]
    says = (
        "a request with an identifier",
        "a request with another identifier",
        "its answer has the identifier of the first",
    )
    return Verdict(
        code="response-desync",
        connection=connection,
        exchanges=(exchange.id,),
        fault="server",
        certainty="proved" if connection.tls is not None and connection.decrypted else "likely",
        facts=f"The answer to exchange {exchange.id} bears the request identifier of exchange "
        f"{other.id}: it belongs to "
        "that request.",
        evidence=tuple(Evidence(packet, text) for packet, text in zip(packets, says, strict=False)),
        runner_up="an identifier that several requests share: refuted, each is there once",
        retry_safe=None,
        time_ns=request.time_ns if request is not None else 0,
    )


def _field(headers: list[tuple[str, str]], name: str) -> str | None:
    return next((value for field, value in headers if field.lower() == name), None)
