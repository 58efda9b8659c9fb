"""Rule slow-first-byte: the server took much longer than usual to answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.statistics.median import median
from plainwire.diagnose.thresholds import LONG_NS, STALL_NS
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

from .pause import FEWEST_OF_ITS_KIND, SHARE, TIMES, acknowledgment_of, is_endless

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.answered import Answered, AnsweredExchanges


_PROMPT_NS = 300_000_000
"""A request that was acknowledged within this time had arrived in time: one retransmission more would be
seen."""


def slow_first_byte(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Responses that took much longer to begin than others of their kind."""
    found: list[Verdict] = []
    for case in exchanges.slow:
        if case.first_byte_ns < LONG_NS or is_endless(case):
            continue
        usual = _usual(exchanges, case)
        if usual is not None:
            verdict = _slow_first_byte(case, *usual)
            if verdict is not None:
                found.append(verdict)
    return found


def _usual(exchanges: AnsweredExchanges, case: Answered) -> tuple[int, int] | None:
    """Median time to the first byte of exchanges of the same kind, and how many; None without a baseline."""
    others = [c.first_byte_ns for c in exchanges.neighbours(case)]
    if len(others) < FEWEST_OF_ITS_KIND:
        return None
    usual = int(median(others))
    slow = sum(other >= LONG_NS for other in others) + 1
    if case.first_byte_ns < TIMES * usual or slow * SHARE > len(others) + 1:
        return None
    return usual, len(others)


def _slow_first_byte(case: Answered, usual: int, count: int) -> Verdict | None:
    request, response = case.request, case.response
    acked = acknowledgment_of(case.connection, request)
    if acked is not None and acked[1] - request.last_ns > _PROMPT_NS and acked[0] != response.packet:
        return None  # the request itself was late in arriving: the path's matter
    prompt = acked is not None and acked[0] != response.packet
    when = (
        f" It had acknowledged the request {wording.span(acked[1] - request.last_ns)} after it left."
        if prompt and acked
        else ""
    )
    return Verdict(
        code="slow-first-byte",
        connection=case.connection,
        exchanges=(case.exchange.id,),
        fault="server",
        grounds=(Ground.NUMBERS,)
        if prompt and case.first_byte_ns >= STALL_NS
        else (Ground.NUMBERS, Ground.INFERENCE),
        facts=f"The server took {wording.span(case.first_byte_ns)} to the first byte of its response; the "
        f"median of {count} others of the same kind is {wording.span(usual)}.{when}",
        evidence=(
            Evidence(request.last_packet, "the end of the request"),
            *((Evidence(acked[0], "the server acknowledges it"),) if prompt and acked else ()),
            Evidence(
                response.packet, f"the first byte of the response, {wording.span(case.first_byte_ns)} later"
            ),
        ),
        runner_up="retransmission-loss: refuted, the request was acknowledged in time"
        if prompt
        else "retransmission-loss: nothing of the request was sent again",
        retry_safe=None,
        time_ns=request.time_ns,
    )
