"""Rules hidden-retry and unsafe-retry-duplicate: the twin of a failed request, elsewhere.

The wire shows that a request was sent again, not whether the program knows. A program may repeat a
request by itself, so that nothing is claimed where this traffic repeats it as quickly without a failure.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.model import Evidence, Side

from . import primitives, words
from .late import as_the_client_saw
from .verdict import IDEMPOTENT, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from plainwire.model import CloseEvent, Connection, Exchange, Request, StreamEvent

WITHIN_NS = 120_000_000_000
"""A twin later than this is a request of its own."""

_MUCH_QUICKER = 3
_MOST_COMPARED = 100
_VOLATILE = re.compile(
    r"date|time|trace|span|request-?id|trans-?id|correlation|attempt|retry|invocation|authorization|signature|nonce|"
    r"cookie|connection|^amz-sdk",
    re.IGNORECASE,
)
"""Header fields that a library may write anew when it repeats a request."""

_KEYS = ("idempotency-key", "x-idempotency-key", "x-request-token", "if-match", "if-none-match")
"""Header fields by which a server can tell that it has done this already."""

Key = tuple[str, str, str | None, int | None]


class _Copy(Struct, frozen=True):
    """One sending of a request."""

    connection: Connection
    exchange: Exchange
    request: Request


class _Copies(Struct, frozen=True):
    """All sendings of one request by time, those that were answered, and how soon one follows a success."""

    all: list[_Copy]
    answered: list[_Copy]
    shortest_pause_ns: int | None

    @classmethod
    def of(cls, copies: list[_Copy], failed: set[int]) -> _Copies:
        """``failed``: ids of exchanges."""
        pauses = (
            after.request.time_ns - primitives.finished_ns(before.exchange)
            for before, after in pairwise(copies)
            if before.exchange.id not in failed
        )
        good = [c for c in copies if c.exchange.outcome == "complete" and c.exchange.id not in failed]
        return cls(copies, good, min(pauses, default=None))

    def between(self, start_ns: int, end_ns: int) -> int:
        """How many were sent within these times."""
        return bisect_right(self.all, end_ns, key=_sent) - bisect_left(self.all, start_ns, key=_sent)

    def habitual(self, delay: int) -> bool:
        """Whether the request follows itself about as quickly where nothing failed."""
        return self.shortest_pause_ns is not None and self.shortest_pause_ns <= _MUCH_QUICKER * delay


class _Failure(Struct, frozen=True):
    """``end``: the packet that ended its connection, or its stream, where one did."""

    copy: _Copy
    at_ns: int
    end: Evidence | None

    @property
    def refused(self) -> bool:
        """Whether the server said that it did not work on it (RFC 9113 section 8.7, RFC 9114, 4.1.1)."""
        return self.copy.exchange.outcome == "refused"

    @property
    def shared(self) -> bool:
        """Whether its connection carries several exchanges at a time."""
        return self.copy.exchange.protocol != "http/1.1"


def hidden_retries(connections: Sequence[Connection], verdicts: Iterable[Verdict]) -> list[Verdict]:
    """A verdict for every failed exchange whose twin was answered."""
    failures = _failures(verdicts)
    if not failures:
        return []
    failed = {failure.copy.exchange.id for failure in failures}
    copies = _copies(connections, {_key(failure.copy.request) for failure in failures}, failed)
    found = []
    for failure in failures:
        same = copies[_key(failure.copy.request)]
        twin = _twin(failure, same)
        if twin is not None and not same.habitual(twin.request.time_ns - failure.at_ns):
            found.append(_verdict(failure, twin, same))
            if _twice(failure):
                found.append(_duplicate(failure, twin))
    return found


def _failures(verdicts: Iterable[Verdict]) -> list[_Failure]:
    found = []
    listed = list(verdicts)
    exchanges = {
        e.id: e for c in {id(v.connection): v.connection for v in listed}.values() for e in c.exchanges
    }
    for verdict in listed:
        if verdict.code in ("capture-artifact", "connection-close-ignored") and verdict.retry_safe is None:
            continue
        exchange = exchanges[verdict.exchanges[-1]]
        if exchange.request is None:
            continue
        event = _end(verdict.connection, exchange)
        ended = exchange.request.last_ns if event is None else max(exchange.request.last_ns, event.time_ns)
        what = "stream" if event is exchange.reset else "connection"
        end = None if event is None else Evidence(event.packet, f"the end of its {what}")
        found.append(_Failure(_Copy(verdict.connection, exchange, exchange.request), ended, end))
    return found


def _end(connection: Connection, exchange: Exchange) -> CloseEvent | StreamEvent | None:
    """What ended it; nothing where a GOAWAY left it out, as its connection went on without it."""
    if exchange.reset is not None:
        return exchange.reset
    if exchange.outcome == "refused":
        return None
    return primitives.client_first(connection) or primitives.first_close(connection, Side.SERVER)


def _key(request: Request) -> Key:
    return request.method, request.target, request.authority, request.body_digest


def _sent(copy: _Copy) -> int:
    return copy.request.time_ns


def _copies(connections: Sequence[Connection], keys: set[Key], failed: set[int]) -> dict[Key, _Copies]:
    """All sendings of the requests in ``keys``, by time."""
    copies: dict[Key, list[_Copy]] = {key: [] for key in keys}
    targets = {key[1] for key in keys}
    for connection in connections:
        for exchange in connection.exchanges:
            request = exchange.request
            if request is not None and request.target in targets and _key(request) in copies:
                copies[_key(request)].append(_Copy(connection, exchange, request))
    return {key: _Copies.of(sorted(same, key=_sent), failed) for key, same in copies.items()}


def _twin(failure: _Failure, same: _Copies) -> _Copy | None:
    """The first answered copy after the failure; in HTTP/1.1 one that another connection carried."""
    begin = bisect_left(same.answered, failure.at_ns, key=_sent)
    lasting = _lasting(failure.copy.request)
    for copy in same.answered[begin : begin + _MOST_COMPARED]:
        if copy.request.time_ns > failure.at_ns + WITHIN_NS:
            return None
        if _lasting(copy.request) == lasting:
            return copy if failure.shared or copy.connection.id != failure.copy.connection.id else None
    return None


def _lasting(request: Request) -> list[tuple[str, str]]:
    """The header fields that are the same in each copy of one request."""
    return sorted((name.lower(), value) for name, value in request.headers if not _VOLATILE.search(name))


def _verdict(failure: _Failure, twin: _Copy, same: _Copies) -> Verdict:
    first = failure.copy
    received = _received(failure)
    danger = _danger(received=received, repeatable=first.request.method in IDEMPOTENT)
    if failure.refused:
        danger = "The server had said that it did not work on the first copy: repeating it was harmless."
    repeatable = first.request.method in IDEMPOTENT
    tries = same.between(first.request.time_ns, twin.request.time_ns)
    delay = words.span(twin.request.time_ns - failure.at_ns)
    return Verdict(
        code="hidden-retry",
        connection=first.connection,
        exchanges=(first.exchange.id, twin.exchange.id),
        fault="client",
        certainty="likely",
        facts=f"Exchange {first.exchange.id} failed, and {delay} later the same request went out again on "
        f"connection {twin.connection.id} as exchange {twin.exchange.id} and was answered "
        f"({tries} attempts in all). If the program saw no error, its library hid the failure. "
        f"{danger}",
        evidence=(
            Evidence(first.request.packet, "the request for the first time"),
            *(() if failure.end is None else (failure.end,)),
            Evidence(twin.request.packet, "the same request (method, target, body) again"),
            *(Evidence(r.packet, "its response") for r in (twin.exchange.response,) if r is not None),
        ),
        runner_up="the program repeats this request by itself: nowhere else does it follow so quickly",
        retry_safe=repeatable or received is False,
        time_ns=first.request.time_ns,
    )


def _twice(failure: _Failure) -> bool:
    """Whether the server may have acted on a request that is not to be repeated, and then on its twin.

    An idempotency key tells it that both are one.
    """
    request = failure.copy.request
    if request.method in IDEMPOTENT or not _received(failure):
        return False
    if any(name.lower() in _KEYS for name, _ in request.headers):
        return False
    seen = as_the_client_saw(failure.copy.connection, failure.copy.exchange).response
    return seen is None or not seen.complete


def _duplicate(failure: _Failure, twin: _Copy) -> Verdict:
    first = failure.copy
    answer = first.exchange.response
    executed = answer is not None and answer.complete and 200 <= answer.status < 300
    acknowledged = primitives.first_ack(first.connection, Side.SERVER, first.request.end)
    return Verdict(
        code="unsafe-retry-duplicate",
        connection=first.connection,
        exchanges=(first.exchange.id, twin.exchange.id),
        fault="client",
        certainty="likely",
        facts=f"The server had all of exchange {first.exchange.id}, whose method is not idempotent and which "
        f"bears no idempotency key, and got the same again as exchange {twin.exchange.id}. "
        + (
            "It answered the first copy with success, when nobody took the answer any more: it ran twice."
            if executed
            else "Whether it had acted on the first copy, only the server knows."
        ),
        evidence=(
            Evidence(first.request.packet, "the request for the first time"),
            *(
                ()
                if acknowledged is None
                else (Evidence(acknowledged[0], "the server acknowledges all of it"),)
            ),
            Evidence(twin.request.packet, "the same request (method, target, body) again"),
        ),
        runner_up="two requests that happen to be equal: nowhere else do they follow each other so quickly",
        retry_safe=False,
        time_ns=first.request.time_ns,
    )


def _received(failure: _Failure) -> bool | None:
    """Whether the server's stack had the first copy when the connection ended; None where nothing says.

    One that it sent back untouched counts as not received.
    """
    if failure.refused:
        return False
    until = primitives.first_close(failure.copy.connection, Side.SERVER)
    ack = primitives.last_ack(failure.copy.connection, Side.SERVER, until)
    if ack is None:
        return None
    return ack >= failure.copy.request.end


def _danger(*, received: bool | None, repeatable: bool) -> str:
    if received is False:
        return "The server had not received the first copy: repeating it was harmless."
    if repeatable:
        return (
            "The server may have acted on both copies; the method is idempotent, so that this does no harm."
        )
    return "The server had received the first copy, and the method is not idempotent: it may have run twice."
