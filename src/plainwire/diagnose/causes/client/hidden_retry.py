"""Rule hidden-retry: the twin of a failed request was answered elsewhere.

The wire shows that a request was sent again, not whether the program knows. A program may repeat a
request by itself, so that nothing is claimed where this traffic repeats it as quickly without a failure.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.closes import client_first, first_close
from plainwire.diagnose.evidence.exchanges import ERROR_STATUS, finished_ns
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import IDEMPOTENT, Verdict
from plainwire.model import Evidence, Side

from .copies import WITHIN_NS, Failure, Sending, was_received, was_refused
from .unsafe_retry_duplicate import may_have_run_twice, unsafe_retry_duplicate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import CloseEvent, Connection, Exchange, Request, Response, StreamEvent

    from .copies import Key


_MUCH_QUICKER = 3
"""Times as quick as the request otherwise follows itself (chosen: a program's own pace varies)."""

_MOST_COMPARED = 100


_VOLATILE = re.compile(
    r"date|time|trace|span|request-?id|trans-?id|correlation|attempt|retry|invocation|authorization|signature|nonce|"
    r"cookie|connection|^amz-sdk",
    re.IGNORECASE,
)
"""Header fields that a library may write anew when it repeats a request."""


class Sendings(Struct, frozen=True):
    """All sendings of one request by time, those that were answered, and how soon one follows a success."""

    all: list[Sending]
    answered: list[Sending]
    shortest_pause_ns: int | None

    @classmethod
    def of(cls, copies: list[Sending], failed: set[int]) -> Sendings:
        """``failed``: ids of exchanges."""
        pauses = (
            after.request.time_ns - finished_ns(before.exchange)
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


def hidden_retry(traffic: Traffic, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """A verdict for every failed exchange whose twin was answered."""
    failures = _failures(
        v
        for v in verdicts
        if v.exchanges
        and v.failure is not False
        and not (traffic.causes[v.code].perhaps_whole and v.retry_safe is None)
    )
    told = {failure.copy.exchange.id for failure in failures}
    failures += [failure for failure in _refusals(traffic) if failure.copy.exchange.id not in told]
    if not failures:
        return []
    failed = {failure.copy.exchange.id for failure in failures}
    copies = sendings(traffic.connections, {_key(failure.copy.request) for failure in failures}, failed)
    found = []
    for failure in failures:
        same = copies[_key(failure.copy.request)]
        twin = _twin(failure, same)
        if twin is not None and not same.habitual(twin.request.time_ns - failure.at_ns):
            found.append(_verdict(failure, twin, same))
            if may_have_run_twice(failure):
                found.append(unsafe_retry_duplicate(failure, twin))
    return found


def _failures(verdicts: Iterable[Verdict]) -> list[Failure]:
    found = []
    listed = list(verdicts)
    exchanges = {
        e.id: e for c in {id(v.connection): v.connection for v in listed}.values() for e in c.exchanges
    }
    for verdict in listed:
        exchange = exchanges.get(verdict.exchanges[-1])  # a chain of redirects may go on elsewhere
        if exchange is None or exchange.request is None or exchange.request.method == "CONNECT":
            continue  # a tunnel is no operation: two to one host are for two requests
        if was_refused(exchange) and exchange.response is not None:
            found.append(_refused(verdict.connection, exchange, exchange.request, exchange.response))
            continue
        event = _end(verdict.connection, exchange)
        ended = exchange.request.last_ns if event is None else max(exchange.request.last_ns, event.time_ns)
        what = "stream" if event is exchange.reset else "connection"
        end = None if event is None else Evidence(event.packet, f"the end of its {what}")
        found.append(Failure(Sending(verdict.connection, exchange, exchange.request), ended, end))
    return found


def _refusals(traffic: Traffic) -> list[Failure]:
    """Complete exchanges whose status libraries repeat by themselves."""
    return [
        _refused(connection, exchange, exchange.request, exchange.response)
        for connection in traffic.connections
        for exchange in connection.exchanges
        if was_refused(exchange)
        and exchange.response is not None
        and exchange.request is not None
        and exchange.request.method != "CONNECT"
    ]


def _refused(connection: Connection, exchange: Exchange, request: Request, response: Response) -> Failure:
    end = Evidence(response.packet, f"its response, status {response.status}")
    return Failure(Sending(connection, exchange, request), max(request.last_ns, response.last_ns), end)


def _end(connection: Connection, exchange: Exchange) -> CloseEvent | StreamEvent | None:
    """What ended it; nothing where a GOAWAY left it out, as its connection went on without it."""
    if exchange.reset is not None:
        return exchange.reset
    if exchange.outcome == "refused":
        return None
    return client_first(connection) or first_close(connection, Side.SERVER)


def _key(request: Request) -> Key:
    return request.method, request.target, request.authority, request.body_digest


def _sent(copy: Sending) -> int:
    return copy.request.time_ns


def sendings(connections: Sequence[Connection], keys: set[Key], failed: set[int]) -> dict[Key, Sendings]:
    """All sendings of the requests in ``keys``, by time."""
    copies: dict[Key, list[Sending]] = {key: [] for key in keys}
    targets = {key[1] for key in keys}
    for connection in connections:
        for exchange in connection.exchanges:
            request = exchange.request
            if request is not None and request.target in targets and _key(request) in copies:
                copies[_key(request)].append(Sending(connection, exchange, request))
    return {key: Sendings.of(sorted(same, key=_sent), failed) for key, same in copies.items()}


def _twin(failure: Failure, same: Sendings) -> Sending | None:
    """The first answered copy after the failure; in HTTP/1.1 one that another connection carried."""
    begin = bisect_left(same.answered, failure.at_ns, key=_sent)
    lasting = _lasting(failure.copy.request)
    for copy in same.answered[begin : begin + _MOST_COMPARED]:
        if copy.request.time_ns > failure.at_ns + WITHIN_NS:
            return None
        if _lasting(copy.request) == lasting:
            if was_refused(failure.copy.exchange):
                return (
                    copy if copy.exchange.response and copy.exchange.response.status < ERROR_STATUS else None
                )
            return copy if failure.shared or copy.connection.id != failure.copy.connection.id else None
    return None


def _lasting(request: Request) -> list[tuple[str, str]]:
    """The header fields that are the same in each copy of one request."""
    return sorted((name.lower(), value) for name, value in request.headers if not _VOLATILE.search(name))


def _verdict(failure: Failure, twin: Sending, same: Sendings) -> Verdict:
    first = failure.copy
    received = was_received(failure)
    danger = _danger(received=received, repeatable=first.request.method in IDEMPOTENT)
    if failure.refused:
        danger = "The server had said that it did not work on the first copy: repeating it was harmless."
    elif was_refused(first.exchange) and not may_have_run_twice(failure):
        danger = "The server had answered the first copy with an error, and may be asked again."
    repeatable = first.request.method in IDEMPOTENT
    tries = same.between(first.request.time_ns, twin.request.time_ns)
    delay = wording.span(twin.request.time_ns - failure.at_ns)
    return Verdict(
        code="hidden-retry",
        connection=first.connection,
        exchanges=(first.exchange.id, twin.exchange.id),
        fault="client",
        grounds=(Ground.INFERENCE,),
        facts=f"Exchange {first.exchange.id} {_how(first.exchange)}, and {delay} later the same request went "
        f"out again on connection {twin.connection.id} as exchange {twin.exchange.id} and was answered "
        f"({tries} attempts in all). If the program saw no error, its library hid the failure. {danger}",
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


def _how(exchange: Exchange) -> str:
    if was_refused(exchange) and exchange.response is not None:
        return f"was answered with status {exchange.response.status}"
    return "failed"


def _danger(*, received: bool | None, repeatable: bool) -> str:
    if received is False:
        return "The server had not received the first copy: repeating it was harmless."
    if repeatable:
        return (
            "The server may have acted on both copies; the method is idempotent, so that this does no harm."
        )
    return "The server had received the first copy, and the method is not idempotent: it may have run twice."
