"""Rule event-stream-error: an event inside a stream reports an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose import wording
from plainwire.diagnose.evidence.exchanges import IDEMPOTENT
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict, quoted
from plainwire.model import Evidence

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.answered import AnsweredExchanges
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import Connection, Exchange, Request, Response


def event_stream_error(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Streams that were complete, with an error in them."""
    return [
        verdict
        for case in exchanges.streams
        if (verdict := _error(case.connection, case.exchange, case.request, case.response))
    ]


def error_before_the_end(failed: FailedExchange) -> Verdict | None:
    """A verdict where a stream was cut after it had reported an error: the error is why."""
    response = failed.exchange.response
    if response is None:
        return None
    return _error(failed.connection, failed.exchange, failed.request, response)


def _error(
    connection: Connection, exchange: Exchange, request: Request, response: Response
) -> Verdict | None:
    events = response.event_stream
    if events is None or events.error_packet is None:
        return None
    end = "complete" if exchange.outcome == "complete" else exchange.outcome
    return Verdict(
        code="event-stream-error",
        connection=connection,
        exchanges=(exchange.id,),
        fault="server",
        grounds=(Ground.SAID,),
        facts=f"The response has status {response.status} and {plurals.some(events.events, 'event')}. One of "
        f"them, {wording.span(events.error_ns - request.time_ns)} after the request began, reports an error; "
        f"the response is {end}.",
        evidence=(
            Evidence(request.packet, "the request"),
            Evidence(response.packet, f"the response begins, status {response.status}"),
            Evidence(events.error_packet, "the event that reports an error"),
        ),
        runner_up="a failure of HTTP: refuted, the error stands inside the stream, its status is a success",
        retry_safe=request.method in IDEMPOTENT,
        time_ns=request.time_ns,
        quotes=quoted(events.error_packet, "the event", events.error),
    )
