"""Rule response-desync: responses that do not belong to the requests that they seem to answer."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.acknowledgments import ack_at
from plainwire.diagnose.evidence.captured import is_whole
from plainwire.diagnose.evidence.exchanges import UNSOLICITED_STATUSES
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.answered import AnsweredExchanges
    from plainwire.model import Connection, Exchange, Request, Response


_IDENTIFIERS = frozenset(("x-request-id", "x-correlation-id", "x-client-request-id", "x-trace-id"))

_MOST_LOOKED_AT = 2000


def responses_to_nothing(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Responses that were sent before the request that they would answer had arrived at the server."""
    found: list[Verdict] = []
    looked_at: Counter[int] = Counter()
    for connection, place in exchanges.unasked:
        looked_at[connection.id] += 1
        if looked_at[connection.id] > _MOST_LOOKED_AT:
            continue
        verdict = _to_nothing(connection, place)
        if verdict is not None:
            found.append(verdict)
    return found


def _to_nothing(connection: Connection, place: int) -> Verdict | None:
    exchange = connection.exchanges[place]
    response = exchange.response
    if response is None or not response.status or response.status in UNSOLICITED_STATUSES:
        return None
    own = connection.exchanges
    last = next((own[n] for n in range(place - 1, -1, -1) if own[n].request is not None), None)
    if last is None or response.close_announced or not is_whole(connection):
        return None
    after = next((own[n] for n in range(place + 1, len(own)) if own[n].request is not None), None)
    known = ack_at(connection, response.packet)
    if after is not None and after.request is not None and (known is None or known > after.request.start):
        return None  # packets that changed places in the capture
    taken = "" if after is None or after.request is None else (
        f" The client sent the request of exchange {after.id} behind it, and could take it for the response: "
        "from here on each response may be that to the request before."
    )  # fmt: skip
    return Verdict(
        code="response-desync",
        connection=connection,
        exchanges=(last.id, exchange.id) if after is None else (last.id, exchange.id, after.id),
        fault="server",
        grounds=(Ground.SAID,),
        facts=f"After the response to exchange {last.id} came another response (status {response.status}) "
        f"that no request had asked for.{taken}",
        evidence=(
            *((Evidence(last.response.packet, "the response that was asked for"),) if last.response else ()),
            Evidence(response.packet, f"another response, status {response.status}, to no request"),
            *(
                (Evidence(after.request.packet, f"the next request, {wording.run(after.request)}"),)
                if after is not None and after.request is not None
                else ()
            ),
        ),
        runner_up="unsolicited-408: refuted, the status is another",
        retry_safe=None,
        time_ns=last.request.time_ns if last.request is not None else 0,
        failure=after is not None,
    )


def swapped_identifiers(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Responses that have the identifier of another request on the same connection."""
    found: list[Verdict] = []
    for connection in exchanges.traffic.connections:
        own = connection.exchanges
        first = own[0] if own else None
        if len(own) == 1 or first is None or first.request is None or first.response is None:
            continue
        asked, told = _identifier(first.request), _identifier(first.response)
        if asked is not None and told is not None and asked[0].lower() == told[0].lower():
            found += _swapped(own[:_MOST_LOOKED_AT], connection, asked, told)
    return found


def _identifier(message: Request | Response) -> tuple[str, int] | None:
    """Name and place of the field that identifies the request."""
    fields = enumerate(message.headers)
    return next(((name, at) for at, (name, _) in fields if name.lower() in _IDENTIFIERS), None)


def _swapped(
    exchanges: list[Exchange], connection: Connection, asked: tuple[str, int], told: tuple[str, int]
) -> list[Verdict]:
    pairs = [
        (exchange, _field(exchange.request.headers, *asked), _field(exchange.response.headers, *told))
        for exchange in exchanges
        if exchange.request is not None and exchange.response is not None
    ]
    if all(mine == theirs for _, mine, theirs in pairs):
        return []
    times = Counter(mine for _, mine, _ in pairs)
    own = {mine: exchange for exchange, mine, _ in pairs if mine is not None and times[mine] == 1}
    return [
        _swap(connection, exchange, own[theirs])
        for exchange, mine, theirs in pairs
        if theirs is not None and theirs != mine and theirs in own
    ]


def _field(headers: list[tuple[str, str]], name: str, at: int) -> str | None:
    """The value of a field, which mostly stands at the same place in each message."""
    if at < len(headers) and headers[at][0] == name:
        return headers[at][1]
    return next((value for field, value in headers if field == name), None)


def _swap(connection: Connection, exchange: Exchange, other: Exchange) -> Verdict:
    request, response, theirs = exchange.request, exchange.response, other.request
    packets = [m.packet for m in (theirs, request, response) if m is not None]
    says = (
        "a request with an identifier",
        "a request with another identifier",
        "its response has the identifier of the first",
    )
    return Verdict(
        code="response-desync",
        connection=connection,
        exchanges=(exchange.id,),
        fault="server",
        grounds=(Ground.SAID,),
        facts=f"The response to exchange {exchange.id} has the request identifier of exchange {other.id}: it "
        "belongs to that request.",
        evidence=tuple(Evidence(packet, text) for packet, text in zip(packets, says, strict=False)),
        runner_up="an identifier that several requests share: refuted, each is there once",
        retry_safe=None,
        time_ns=request.time_ns if request is not None else 0,
    )
