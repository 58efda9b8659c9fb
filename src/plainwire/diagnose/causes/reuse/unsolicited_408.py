"""Rule unsolicited-408: a response that was written before the server had any byte of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.acknowledgments import ack_at, acknowledges
from plainwire.diagnose.evidence.exchanges import UNSOLICITED_STATUSES
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import CloseEvent, Response


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
