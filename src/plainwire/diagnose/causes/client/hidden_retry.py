"""Rule hidden-retry: a failed request was sent again, and answered.

The wire shows that a request was sent again, not whether the program knows. What makes a copy an attempt of
the same operation stands in ``traffic/repetitions.py``.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.exchanges import IDEMPOTENT
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.traffic.copies import value
from plainwire.diagnose.traffic.repetitions import ended, made_good, series, was_refused
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

from .copies import was_received
from .unsafe_retry_duplicate import may_have_run_twice, unsafe_retry_duplicate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from plainwire.diagnose.traffic.repetitions import Sending, Series
    from plainwire.diagnose.traffic.traffic import Traffic
    from plainwire.model import Exchange


def hidden_retry(traffic: Traffic, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """A verdict for every failed attempt of an operation that was answered in the end."""
    failed = {
        verdict.exchanges[-1]
        for verdict in verdicts
        if verdict.exchanges
        and verdict.failure is not False
        and not (traffic.causes[verdict.code].perhaps_whole and verdict.retry_safe is None)
    }
    return [
        verdict
        for operation in series(traffic.connections, failed, traffic.spoken)
        for verdict in _of_operation(operation, answered=made_good(operation, failed))
    ]


def _of_operation(operation: Series, *, answered: bool) -> Iterator[Verdict]:
    for place, (copy, after) in enumerate(pairwise(operation.attempts)):
        if answered:
            yield _verdict(operation, place)
        if may_have_run_twice(copy):
            yield unsafe_retry_duplicate(copy, operation.last if answered else after)


def _verdict(operation: Series, place: int) -> Verdict:
    first, twin = operation.attempts[place], operation.last
    received = was_received(first)
    repeatable = first.request.method in IDEMPOTENT
    failure = ended(first.connection, first.exchange)
    tries = len(operation.attempts)
    delay = wording.span(twin.request.time_ns - failure.at_ns)
    said = " A header field says that both are attempts of one operation." if operation.said else ""
    return Verdict(
        code="hidden-retry",
        connection=first.connection,
        exchanges=(first.exchange.id, twin.exchange.id),
        fault="client",
        grounds=(Ground.INFERENCE,),
        facts=f"Exchange {first.exchange.id} {_how(first.exchange)}, and {delay} later {_again(first, twin)} "
        f"on connection {twin.connection.id} as exchange {twin.exchange.id} and was answered "
        f"({tries} attempts in all).{said} If the program saw no error, its library hid the failure. "
        f"{_danger(first, received=received, repeatable=repeatable)}",
        evidence=(
            Evidence(first.request.packet, "the request for the first time"),
            *(() if failure.end is None else (failure.end,)),
            Evidence(twin.request.packet, _cited(first, twin)),
            *(Evidence(r.packet, "its response") for r in (twin.exchange.response,) if r is not None),
        ),
        runner_up=""
        if operation.said
        else "the program repeats this request by itself: nowhere else does it follow so quickly",
        retry_safe=repeatable or received is False,
        time_ns=first.request.time_ns,
    )


def _resumes(first: Sending, twin: Sending) -> bool:
    return value(first.request, "range") != value(twin.request, "range")


def _again(first: Sending, twin: Sending) -> str:
    return "the rest was asked for" if _resumes(first, twin) else "the same request went out again"


def _cited(first: Sending, twin: Sending) -> str:
    if _resumes(first, twin):
        return "the request for the rest (Range)"
    return "the same request (method, target, body) again"


def _how(exchange: Exchange) -> str:
    if was_refused(exchange) and exchange.response is not None:
        return f"was answered with status {exchange.response.status}"
    if exchange.outcome == "complete" and exchange.grpc is not None and exchange.grpc.status:
        return f"ended with gRPC status {exchange.grpc.status_name}"
    return "failed"


def _danger(first: Sending, *, received: bool | None, repeatable: bool) -> str:
    """What the repetition may have done."""
    if first.exchange.outcome == "refused":
        return "The server had said that it did not work on the first copy: retrying it was harmless."
    if was_refused(first.exchange) and not may_have_run_twice(first):
        return "The server had answered the first copy with an error, and may be asked again."
    if received is False:
        return "The server had not received the first copy: retrying it was harmless."
    if repeatable:
        return (
            "The server may have acted on both copies; the method is idempotent, so that this does no harm."
        )
    return "The server had received the first copy, and the method is not idempotent: it may have run twice."
