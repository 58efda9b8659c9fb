"""Rule response-not-taken: a client had the whole response, waited all the same, closed, and asked again.

The client's kernel had every byte; what reads them in the program did not. On the wire it is a client that
ends an idle connection and sends the same request again at once on another. Whoever polls looks alike: so
only a request that changes something, or that says itself that it is a repetition, counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.acknowledgments import last_ack
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.thresholds import PATIENCE_NS
from plainwire.diagnose.traffic.copies import value
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence, Side

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.diagnose.traffic.answered import Answered, AnsweredExchanges
    from plainwire.model import CloseEvent, Exchange

_AGAIN_NS = 2_000_000_000
"""A client that repeats a request does so at once, or after a first pause of a second or so."""

_NAMES = ("amz-sdk-invocation-id", "idempotency-key", "x-ms-client-request-id", "x-goog-api-client-retry")
"""Header fields that stay the same in every attempt of one operation."""

_CHANGING = frozenset(("PUT", "POST", "PATCH", "DELETE"))
"""Methods that nobody polls with."""


def response_not_taken(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Complete responses behind which the client waited, closed, and sent the same request once more."""
    found = []
    for case, close in _candidates(exchanges):
        again = next(
            (
                other
                for other in exchanges.of_twin(case.request)[0]
                if 0 <= other.request.time_ns - close.time_ns <= _AGAIN_NS
                and other.connection.id != case.connection.id
            ),
            None,
        )
        if again is not None and (case.request.method in _CHANGING or _same_operation(case, again)):
            found.append(_verdict(case, close, again))
    return found


def _candidates(exchanges: AnsweredExchanges) -> Iterator[tuple[Answered, CloseEvent]]:
    """Last exchanges of connections that the client was the first to end, a while after a whole response."""
    for case in exchanges.last_of_connection:
        closes = case.connection.closes
        close = closes[0] if closes else None
        if close is None or close.side != Side.CLIENT or case.response.close_announced:
            continue
        if close.time_ns - case.response.last_ns < PATIENCE_NS or case.exchange.protocol != "http/1.1":
            continue
        had = close.ack if close.ack is not None else last_ack(case.connection, Side.CLIENT, close)
        if had is not None and had >= case.response.end:
            yield case, close


def _same_operation(case: Answered, again: Answered) -> bool:
    return any(
        value(case.request, name) is not None and value(case.request, name) == value(again.request, name)
        for name in _NAMES
    )


def _verdict(case: Answered, close: CloseEvent, again: Answered) -> Verdict:
    request, response = case.request, case.response
    named = _same_operation(case, again)
    before = _without_continue(case)
    return Verdict(
        code="response-not-taken",
        connection=case.connection,
        exchanges=(case.exchange.id, again.exchange.id),
        fault="client",
        grounds=(Ground.INFERENCE,) if named or before is not None else (Ground.GUESS,),
        facts=f"The response (status {response.status}) was complete, and the client's kernel acknowledged "
        f"all of it. The client waited for {wording.span(close.time_ns - response.last_ns)} all the same, "
        f"closed, and sent the same request again on connection {again.connection.id}."
        f"{' Its header says that both are attempts of one operation.' if named else ''}"
        f"{_before_words(before)}",
        evidence=(
            Evidence(request.packet, "the request"),
            Evidence(response.last_packet, f"the last byte of the response, status {response.status}"),
            Evidence(close.packet, f"{wording.act(close)} from the client"),
            Evidence(again.request.packet, "the same request again"),
        ),
        runner_up="a server that did not answer: refuted, its response was acknowledged",
        retry_safe=request.method != "POST",
        time_ns=request.time_ns,
    )


def _without_continue(case: Answered) -> Exchange | None:
    """An exchange before it on the connection whose Expect: 100-continue met no 100."""
    for exchange in case.connection.exchanges:
        if exchange is case.exchange:
            return None
        request = exchange.request
        if request is not None and value(request, "expect") is not None and not exchange.interim:
            return exchange
    return None


def _before_words(before: Exchange | None) -> str:
    if before is None:
        return ""
    return (
        f" Exchange {before.id} before it had asked for 100 (Continue) and was answered without one: a "
        "client that still waits for it takes the next response for another."
    )
