"""Rule unsolicited-408: a response that was written before the server had any byte of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.acknowledgments import ack_at, acknowledges
from plainwire.diagnose.evidence.exchanges import UNSOLICITED_STATUSES
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.thresholds import AT_ONCE_NS
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence, Side

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import CloseEvent, Response

_TIMED_OUT = 408
"""RFC 9110 section 15.5.9."""


def unsolicited_408(failed: FailedExchange) -> Verdict | None:
    """A verdict where this response, or the one before it, answers nothing that the server had received."""
    before = failed.previous
    if before is not None and before.request is None and failed.exchange.outcome != "complete":
        if before.response is None or _had_some(failed, before.response):
            return None  # packets that changed places in the capture
        return _verdict(
            failed, before.response, (before.id, failed.exchange.id), "before the request was sent"
        )
    response = failed.exchange.response
    if response is None or response.status not in UNSOLICITED_STATUSES:
        return None
    ack = ack_at(failed.connection, response.packet)
    if ack is None or ack > failed.request.start:
        return None
    says = f"acknowledging up to {wording.number(ack)}: not one byte of the request had arrived at the server"
    return _verdict(failed, response, (failed.exchange.id,), says)


def never_read_408(failed: FailedExchange) -> Verdict | None:
    """A verdict where the server's kernel had the request, and its program answered 408 without reading it.

    Node.js counts its limits from the opening of a connection. Where its event loop was busy for longer it
    looks at them before it looks at what has come.
    """
    response, request, connection = failed.exchange.response, failed.request, failed.connection
    if response is None or response.status != _TIMED_OUT or failed.previous is not None:
        return None
    ack = ack_at(connection, response.packet)
    reset = next((c for c in connection.closes if c.side == Side.SERVER and c.kind == "rst"), None)
    if ack is None or ack < request.end or not request.complete or reset is None:
        return None
    waited = response.time_ns - request.last_ns
    if waited < AT_ONCE_NS or not 0 <= reset.time_ns - response.last_ns <= AT_ONCE_NS:
        return None
    return Verdict(
        code="unsolicited-408",
        connection=connection,
        exchanges=(failed.exchange.id,),
        fault="server",
        grounds=(Ground.NUMBERS, Ground.INFERENCE),
        facts=f"The server wrote status 408 (Request Timeout) {wording.span(waited)} after the whole request "
        f"was there, {wording.span(response.time_ns - connection.opened_ns)} after the connection was "
        "opened, and reset it at once, as a kernel does where a program closes with bytes that it has not "
        "read: its kernel had the request, its program had not looked at it. Node.js answers so when its "
        "event loop was busy, since it counts headersTimeout and requestTimeout from the opening.",
        evidence=(
            Evidence(request.packet, f"the request, {wording.run(request)}"),
            Evidence(response.packet, f"status 408, acknowledging up to {wording.number(ack)}: all of it"),
            Evidence(reset.packet, f"{wording.act(reset)} from the server"),
        ),
        runner_up="a client that was slow to send: refuted, its whole request had been acknowledged",
        retry_safe=failed.idempotent,
        time_ns=request.time_ns,
        advice_client="Repeat it on a new connection, and send it as soon as that is open.",
        advice_server="Find what keeps the server's program busy for so long (Node.js: the event loop), or "
        "raise its limits (server.headersTimeout, server.requestTimeout).",
    )


def _had_some(failed: FailedExchange, response: Response) -> bool:
    """Whether the response acknowledges bytes of the request, which came behind it in the capture only."""
    return acknowledges(failed.connection, response.packet, failed.request.start)


def _verdict(
    failed: FailedExchange, response: Response | None, exchanges: tuple[int, ...], how: str
) -> Verdict | None:
    if response is None:
        return None
    close = failed.server_close
    late = [] if close is None else [Evidence(close.packet, f"{wording.act(close)} from the server")]
    return Verdict(
        code="unsolicited-408",
        connection=failed.connection,
        exchanges=exchanges,
        fault="server",
        grounds=(Ground.NUMBERS,),
        facts=f"The server wrote status {response.status} {how}. The client took it, or could take it, for "
        "the response to its request.",
        evidence=(
            Evidence(response.packet, f"the response, status {response.status}, {how}"),
            Evidence(failed.request.packet, f"the request, {wording.run(failed.request)}"),
            *late,
        ),
        runner_up="a real response to the request: refuted, the server had received nothing of it",
        retry_safe=failed.idempotent or _never_read(failed, close),
        time_ns=failed.request.time_ns,
    )


def _never_read(failed: FailedExchange, close: CloseEvent | None) -> bool:
    """Whether the server's close shows that it had no byte of the request to the end."""
    return close is not None and close.ack is not None and close.ack <= failed.request.start
