"""Rule zero-window-stall: the server stopped taking what the client sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence import opening
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import RST, SYN, Evidence, Side

if TYPE_CHECKING:
    from plainwire.diagnose.evidence.opening import Segment
    from plainwire.diagnose.traffic.answered import Answered, AnsweredExchanges
    from plainwire.diagnose.verdict import FailedExchange


_CLOSED_WINDOW_NS = 1_000_000_000
"""A window that stays closed for a second, over several probes of the sender (RFC 9293 section 3.8.6.1),
is a program that does not read."""

_LARGE_REQUEST_BYTES = 2000
"""A request of fewer bytes fits into any window."""


def zero_window_stall(failed: FailedExchange) -> Verdict | None:
    """A verdict where the server stopped taking the request: its window was closed and stayed so."""
    connection, request = failed.connection, failed.request
    if connection.segments is None or failed.exchange.response is not None or connection.transport != "tcp":
        return None
    answers = [
        s
        for s in opening.rows(connection.segments)
        if s.side == Side.SERVER and not s.flags & (SYN | RST) and s.time_ns >= request.time_ns
    ]
    closed = next((i for i in range(len(answers)) if not any(s.window for s in answers[i:])), None)
    if closed is None or (answers[closed].ack >= request.end and request.complete):
        return None
    first, end = answers[closed], connection.last_ns
    if end - first.time_ns < _CLOSED_WINDOW_NS:
        return None
    return Verdict(
        code="zero-window-stall",
        connection=connection,
        exchanges=(failed.exchange.id,),
        fault="server",
        grounds=(Ground.NUMBERS,),
        facts=f"The server closed its window (0) after {max(0, first.ack - request.start)} bytes of the "
        f"request and did not open it again in {wording.span(end - first.time_ns)}: its program did not "
        "read.",
        evidence=tuple(
            Evidence(s.packet, f"window 0 from the server, Ack={wording.number(s.ack)}")
            for s in answers[closed : closed + 3]
        ),
        runner_up="retransmission-loss: refuted, the server goes on acknowledging",
        retry_safe=failed.idempotent,
        time_ns=request.time_ns,
    )


def closed_windows(exchanges: AnsweredExchanges) -> list[Verdict]:
    """Requests that were through in the end, but for which the server's window was closed for long."""
    found: list[Verdict] = []
    for case in exchanges.slow:
        request = case.request
        if case.connection.segments is None or request.end - request.start < _LARGE_REQUEST_BYTES:
            continue
        if case.connection.transport != "tcp":
            continue
        answers = [
            s
            for s in opening.rows(case.connection.segments)
            if s.side == Side.SERVER
            and not s.flags & (SYN | RST)
            and request.time_ns <= s.time_ns <= case.response.last_ns
        ]
        pause = _closed(answers)
        if pause is not None and pause[1].time_ns - pause[0].time_ns >= _CLOSED_WINDOW_NS:
            found.append(_reopened(case, *pause))
    return found


def _closed(answers: list[Segment]) -> tuple[Segment, Segment] | None:
    """The longest time with window 0: its first segment, and the one that opened it again."""
    pauses: list[tuple[Segment, Segment]] = []
    first: Segment | None = None
    for segment in answers:
        if segment.window == 0:
            first = first or segment
        elif first is not None:
            pauses.append((first, segment))
            first = None
    return max(pauses, key=lambda pause: pause[1].time_ns - pause[0].time_ns, default=None)


def _reopened(case: Answered, first: Segment, again: Segment) -> Verdict:
    waited = wording.span(again.time_ns - first.time_ns)
    return Verdict(
        code="zero-window-stall",
        connection=case.connection,
        exchanges=(case.exchange.id,),
        fault="server",
        grounds=(Ground.NUMBERS,),
        facts=f"The server closed its window (0) after {max(0, first.ack - case.request.start)} bytes of the "
        f"request and opened it again {waited} later: its program did not read meanwhile. The exchange was "
        "that much slower.",
        evidence=(
            Evidence(first.packet, f"window 0 from the server, Ack={wording.number(first.ack)}"),
            Evidence(again.packet, f"the window is open again, {waited} later"),
        ),
        runner_up="retransmission-loss: refuted, the server went on acknowledging",
        retry_safe=None,
        time_ns=case.request.time_ns,
        failure=False,
    )
