"""The decision procedure: which exchanges need explaining, and which rule explains them.

First hit wins, in the order of ``order``. It matters more than any rule: what the capture cannot show comes
first, then what had been announced, then who closed first, then what the server had received when it closed.

HTTP/2 and HTTP/3 have rules of their own: those for HTTP/1 suppose one exchange at a time. Most of what ends
a stream is said within the encryption: RST_STREAM, GOAWAY, CONNECTION_CLOSE. Only a holder of the keys can
have said it, so that such a verdict is proved. What a close of TCP means for an open stream is weighed as far
as its acknowledgment tells.

What is normal never gets here: a complete exchange followed by any kind of close, an idle close that no
request met, an exchange still open when the capture ended.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from msgspec.structs import replace

from plainwire.model import Side

from . import order
from .boundary import Boundary
from .causes.catalogue import CAUSES
from .causes.handshake.renegotiation_or_postauth_stall import FORBIDDEN, was_asked
from .consequences import GAVE_UP, is_shift, told_once
from .evidence.as_the_client_saw import as_the_client_saw, departure, left_on_status, too_late
from .evidence.closes import client_first
from .evidence.exchanges import UNSOLICITED_STATUSES, shares_connection
from .evidence.tunnels import only_tunnels
from .evidence.websocket_end import ended_badly
from .findings import group
from .remarks import remarks
from .thresholds import LATE_OPENING_NS
from .traffic.answered import AnsweredExchanges
from .traffic.traffic import Traffic
from .verdict import FailedExchange

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from plainwire.model import Bugs, Connection, Finding, Lookup, StreamEvent

    from .order import OfExchange
    from .traffic.told_failures import ToldFailures
    from .verdict import Verdict

    _Place = tuple[Connection, int]

_SUSPECT_STATUSES = frozenset((*UNSOLICITED_STATUSES, 411, 502, 503, 505))
"""Those that a rule about complete exchanges may explain: RFC 9110 sections 15.5.12, 15.6.3, 15.6.4 and
15.6.6."""
MOST_JUDGED, MOST_JUDGED_OF_CONNECTION = 10_000, 2_000
"""Exchanges that are judged one by one, of a capture and of one connection: one takes a millisecond or so.
Real captures seldom have a hundred; of a flood the first tell what the others are."""
_NEVER = 1 << 63
"""Later than any time in ns."""
_NOBODY: dict[int, StreamEvent] = {}


def diagnose(
    connections: Sequence[Connection],
    lookups: Sequence[Lookup] = (),
    bugs: Bugs | None = None,
    spoken: Mapping[int, ToldFailures] | None = None,
) -> list[Finding]:
    """Explain every failed exchange, one finding for all that have the same cause at the same server.

    ``lookups`` are the questions to name servers, by time. ``bugs`` takes note of rules that fail, so that
    what the others find is kept; without it they raise. ``spoken``: when the program's processes told of
    failures, which were then not hidden from them.

    Pure: reads no clock, file or environment. Costs nothing to speak of where nothing failed.
    """
    traffic, boundary = Traffic(connections, lookups, CAUSES, spoken), Boundary(bugs)
    suspects, too_many = _within_limits(_suspects(traffic))
    judged = [
        boundary.first((_judge,), None, traffic, connection, index, boundary)
        for connection, index in suspects
    ]
    judged += [_not_judged(connection, index) for connection, index in too_many]
    judged += [
        _judge_connection(traffic, connection, boundary)
        for connection in connections
        if only_tunnels(connection)
    ]
    verdicts = [verdict for verdict in judged if verdict is not None]
    verdicts += _late_openings(traffic, verdicts, boundary)
    for rule in order.MANY_CONNECTIONS:
        verdicts += boundary.all(rule, traffic, verdicts)
    verdicts += _complete(traffic, verdicts, boundary)
    verdicts = told_once(traffic, verdicts)
    for rule in order.MANY_EXCHANGES + (order.LOOKUPS if traffic.lookups else ()) + order.RETRIES:
        verdicts += boundary.all(rule, traffic, verdicts)
    return group(verdicts + remarks(traffic, verdicts, boundary), connections)


def _not_judged(connection: Connection, index: int) -> Verdict | None:
    from .causes.undecided.unexplained import not_judged  # noqa: PLC0415 - few captures need it

    return not_judged(connection, connection.exchanges[index])


def _within_limits(suspects: Iterator[_Place]) -> tuple[list[_Place], list[_Place]]:
    """Those that are judged, and those beyond ``MOST_JUDGED``."""
    judged: list[_Place] = []
    too_many: list[_Place] = []
    of_connection: Counter[int] = Counter()
    for connection, index in suspects:
        of_connection[connection.id] += 1
        fits = len(judged) < MOST_JUDGED and of_connection[connection.id] <= MOST_JUDGED_OF_CONNECTION
        (judged if fits else too_many).append((connection, index))
    return judged, too_many


def _suspects(traffic: Traffic) -> Iterator[_Place]:
    """The exchanges that are not plainly healthy: the one loop over everything, so kept short."""
    for connection in traffic.connections:
        announced = False
        asked = was_asked(connection)
        left = departure(connection)
        resent = left is not None and connection.retransmissions[Side.SERVER] > 1
        left_ns = left.time_ns if left is not None else _NEVER
        complained = traffic.complaints(connection) if connection.events else _NOBODY
        breached = {event.stream for event in traffic.events(connection, "breach")}
        for index, exchange in enumerate(connection.exchanges):
            request, response = exchange.request, exchange.response
            if exchange.stopped:
                continue
            if exchange.protocol != "http/1.1":
                sized = response is None or response.declared_size in (None, response.body_size)
                if exchange.websocket is not None:
                    if ended_badly(connection, exchange):
                        yield connection, index
                    continue
                late = response is not None and response.last_ns > left_ns
                if (
                    exchange.outcome != "complete"
                    or not sized
                    or (response is not None and not response.status)
                    or exchange.id in complained
                    or (exchange.stream in breached)
                    or (request is not None and not request.complete)
                    or (late and response is not None and too_late(connection, response, left))
                ):
                    yield connection, index
                continue
            if (
                announced
                or exchange.outcome != "complete"
                or response is None
                or request is None
                or response.status in _SUSPECT_STATUSES
                or (asked and response.status == FORBIDDEN)
                or response.time_ns < request.last_ns
                or not request.complete
                or request.method == "CONNECT"
                or response.framing == "close"
                or ((response.last_ns > left_ns or resent) and too_late(connection, response, left))
            ):
                yield connection, index
            announced = (response is not None and response.close_announced) or (
                request is not None and request.close_announced
            )


def _failed(traffic: Traffic, connection: Connection, index: int) -> FailedExchange | None:
    whole = connection.exchanges[index]
    exchange = whole if whole.websocket is not None else as_the_client_saw(connection, whole)
    if exchange.request is None:
        return None  # judged together with the request that it hurt, if any
    if traffic.legs.follows(connection, exchange):
        return None  # told with the one in front of the gateway
    if exchange.outcome == "aborted" and exchange.id in traffic.spare_copies:
        return None  # dropped, since another copy was answered
    if shares_connection(whole):
        return FailedExchange(connection, exchange, exchange.request, None, None, traffic)
    return FailedExchange(
        connection=connection,
        exchange=exchange,
        late=None if exchange is whole else whole.response,
        request=exchange.request,
        previous=traffic.previous(connection, index),
        traffic=traffic,
    )


def _judge(traffic: Traffic, connection: Connection, index: int, boundary: Boundary) -> Verdict | None:
    failed = _failed(traffic, connection, index)
    if failed is None:
        return None
    if left_on_status(connection, connection.exchanges[index]):
        return boundary.first(order.LEFT_ON_STATUS, None, failed)
    rules = _rules_of_stream(failed) if shares_connection(failed.exchange) else _rules(failed)
    return boundary.first(rules, order.OTHERWISE if order.OTHERWISE in rules else None, failed)


def _rules(failed: FailedExchange) -> tuple[OfExchange, ...]:
    connection, outcome = failed.connection, failed.exchange.outcome
    if outcome == "complete":
        return order.ANSWERED
    if outcome == "unseen":
        still_open = not (connection.closes or connection.gaps or connection.undecrypted)
        return order.STILL_OPEN if still_open else order.UNSEEN
    return order.ENDED_BY_CLOSE if _ends_with_connection(failed) else order.FAILED


def _rules_of_stream(failed: FailedExchange) -> tuple[OfExchange, ...]:
    exchange, connection = failed.exchange, failed.connection
    if exchange.websocket is not None:
        return order.WEBSOCKET
    if exchange.pushed:
        return order.ANY_STREAM
    if exchange.outcome == "complete":
        return order.ANY_STREAM + order.ANSWERED_STREAM
    if exchange.outcome == "unseen":
        over = connection.closes or connection.gaps or connection.undecrypted
        return order.ANY_STREAM + (order.UNSEEN_STREAM if over else order.OPEN_STREAM)
    return order.ANY_STREAM + order.FAILED_STREAM


def _ends_with_connection(failed: FailedExchange) -> bool:
    """A body without length, ended by an orderly close: nobody can tell more (RFC 9112 section 9.8)."""
    response, close = failed.exchange.response, failed.server_close
    return (
        response is not None
        and response.framing == "close"
        and close is not None
        and close.kind != "rst"
        and client_first(failed.connection) is None
    )


def _judge_connection(traffic: Traffic, connection: Connection, boundary: Boundary) -> Verdict | None:
    """A connection that came to no request, but perhaps to a tunnel."""
    verdict = boundary.first(order.NO_REQUEST, None, connection, traffic)
    if verdict is not None:
        for sharper in order.SHARPER:
            verdict = boundary.first((sharper,), None, verdict, connection, traffic) or verdict
    return verdict


def _late_openings(traffic: Traffic, verdicts: Sequence[Verdict], boundary: Boundary) -> list[Verdict]:
    """Connections that were established late, for a reason that shows, and were then used."""
    judged = {verdict.connection.id for verdict in verdicts if not verdict.exchanges}
    found: list[Verdict] = []
    for connection in traffic.connections:
        if not connection.exchanges or connection.id in judged or connection.transport != "tcp":
            continue
        first = connection.exchanges[0].request
        if first is None or first.time_ns - connection.opened_ns < LATE_OPENING_NS or connection.mid_stream:
            continue
        verdict = boundary.first(order.LATE_OPENING, None, connection, traffic)
        found += [] if verdict is None else [verdict]
    return found


def _of_the_rest(verdict: Verdict, explained: set[int], given_up: set[int]) -> Verdict | None:
    """The verdict about those of its exchanges that no other has explained; None where its first ones are.

    That a client gave the last one up explains nothing where its answers are shifted.
    """
    known = explained.intersection(verdict.exchanges)
    if is_shift(verdict):
        known = known - given_up
    if not known:
        return verdict
    rest = tuple(number for number in verdict.exchanges if number not in known)
    begins = verdict.exchanges[:2]
    return replace(verdict, exchanges=rest) if len(rest) > 1 and rest[:2] == begins else None


def _complete(traffic: Traffic, verdicts: Sequence[Verdict], boundary: Boundary) -> list[Verdict]:
    """What is to be said of complete exchanges that no other rule has explained."""
    exchanges = AnsweredExchanges(traffic)
    explained = {number for verdict in verdicts for number in verdict.exchanges}
    given_up = {number for verdict in verdicts if verdict.code in GAVE_UP for number in verdict.exchanges}
    found: list[Verdict] = []
    for rule in order.COMPLETE if exchanges.remarkable else order.COMPLETE_AND_PLAIN:
        said = boundary.all(rule, exchanges)
        fresh = [verdict for verdict in (_of_the_rest(each, explained, given_up) for each in said) if verdict]
        explained.update(number for verdict in fresh for number in verdict.exchanges)
        found += fresh
    return found
