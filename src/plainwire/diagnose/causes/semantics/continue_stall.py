"""Rule 100-continue-stall: a request waited for a 100 (Continue) that did not come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence import opening
from plainwire.diagnose.evidence.acknowledgments import first_ack
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.thresholds import LONG_NS
from plainwire.diagnose.traffic.copies import value
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence, Side

from .pause import acknowledgment_of

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.answered import Answered, AnsweredExchanges
    from plainwire.diagnose.verdict import FailedExchange


_CONTINUE_NS = 300_000_000
"""Clients wait for 100 (Continue) for a second, mostly (RFC 9110 section 10.1.1 leaves it to them); the
network takes less than this."""


def waited_for_continue(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Requests whose body waited for a 100 (Continue) that did not come."""
    return [verdict for case in exchanges.slow if (verdict := _continue(case)) is not None]


def never_continued(failed: FailedExchange) -> Verdict | None:
    """A verdict where the client waited for a 100 (Continue) forever."""
    exchange, request = failed.exchange, failed.request
    if request.complete or exchange.interim or exchange.response is not None:
        return None
    expectation = value(request, "expect")
    acked = acknowledgment_of(failed.connection, request)
    if expectation is None or expectation.lower() != "100-continue" or request.body_size or acked is None:
        return None
    quiet = failed.connection.last_ns - request.last_ns
    if quiet < LONG_NS:
        return None
    return Verdict(
        code="100-continue-stall",
        connection=failed.connection,
        exchanges=(exchange.id,),
        fault="both",
        grounds=(Ground.NUMBERS,),
        facts="The client sent the head of its request and asked the server to say whether to go on; the "
        "server had acknowledged the head, and neither of them said anything more for "
        f"{wording.span(quiet)}.",
        evidence=(
            Evidence(request.packet, "the head of the request, which expects 100-continue"),
            Evidence(acked[0], "the server acknowledges it"),
        ),
        runner_up="retransmission-loss: refuted, the head was acknowledged",
        retry_safe=True,
        time_ns=request.time_ns,
    )


def _continue(case: Answered) -> Verdict | None:
    connection, request = case.connection, case.request
    if case.exchange.interim or not request.body_size or request.last_ns - request.time_ns < _CONTINUE_NS:
        return None
    expectation = value(request, "expect")
    if expectation is None or expectation.lower() != "100-continue" or connection.segments is None:
        return None
    rows = opening.rows(connection.segments)
    data = [s for s in rows if s.side == Side.CLIENT and s.length and request.start <= s.seq < request.end]
    if len(data) < 2 or data[1].time_ns - data[0].time_ns < _CONTINUE_NS:
        return None
    waited = data[1].time_ns - data[0].time_ns
    acked = first_ack(connection, Side.SERVER, data[0].end)
    if acked is None or acked[1] >= data[1].time_ns:
        return None
    return Verdict(
        code="100-continue-stall",
        connection=connection,
        exchanges=(case.exchange.id,),
        fault="server",
        grounds=(Ground.NUMBERS,),
        facts="The client asked whether to send the body and waited; the server had acknowledged that and "
        f"said nothing. After {wording.span(waited)} the client sent the body unasked.",
        evidence=(
            Evidence(data[0].packet, "the head of the request, which expects 100-continue"),
            Evidence(acked[0], "the server acknowledges it, without any HTTP"),
            Evidence(data[1].packet, f"the body, {wording.span(waited)} later"),
        ),
        runner_up="a slow client: refuted, it waits for just this response",
        retry_safe=None,
        time_ns=request.time_ns,
        failure=False,
    )
