"""Rule connection-close-ignored: the connection had been announced as closing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.acknowledgments import ack_at
from plainwire.diagnose.evidence.exchanges import finished_ns
from plainwire.diagnose.evidence.idle_close import announces_close
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.thresholds import BLINDNESS_NS
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import Exchange


def connection_close_ignored(failed: FailedExchange) -> Verdict | None:
    """A verdict where the previous exchange was complete, and had said that it was the last."""
    previous, request = failed.previous, failed.request
    if previous is None or not announces_close(previous) or previous.outcome != "complete":
        return None
    margin = request.time_ns - finished_ns(previous)
    if margin <= 0:
        return None
    had_read = _had_received(failed, previous)
    sure = had_read is True or (had_read is None and margin > BLINDNESS_NS)
    return Verdict(
        code="connection-close-ignored",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault="client",
        grounds=(Ground.NUMBERS,) if sure else (Ground.NUMBERS, Ground.INFERENCE),
        facts=f"{_announcement(previous)} {wording.span(margin)} later the client sent another request on "
        f"the same connection{_fate(failed)}",
        evidence=_evidence(failed, previous),
        runner_up="keepalive-idle-race: refuted, the end of the connection had been announced",
        retry_safe=_safe(failed),
        time_ns=request.time_ns,
        failure=failed.exchange.outcome != "complete",
    )


def _had_received(failed: FailedExchange, previous: Exchange) -> bool | None:
    """Whether the client's stack had the announcing response when it sent the request."""
    ack = ack_at(failed.connection, failed.request.packet)
    if ack is None or previous.response is None:
        return None
    return ack >= previous.response.end


def _announcement(previous: Exchange) -> str:
    if previous.response is not None and previous.response.close_announced:
        return f"The response of exchange {previous.id} said 'Connection: close'."
    if previous.request is not None and previous.request.close_announced:
        return f"The client's own request of exchange {previous.id} said 'Connection: close'."
    return f"The response of exchange {previous.id} was HTTP/1.0 without keep-alive."


def _fate(failed: FailedExchange) -> str:
    if failed.exchange.outcome == "complete":
        return ", which was answered all the same."
    return ", which got no complete response."


def _evidence(failed: FailedExchange, previous: Exchange) -> tuple[Evidence, ...]:
    found = []
    if previous.response is not None:
        found.append(
            Evidence(previous.response.packet, "the response after which the connection was to close")
        )
        if previous.response.last_packet != previous.response.packet:
            found.append(Evidence(previous.response.last_packet, "its last byte"))
    found.append(
        Evidence(
            failed.request.packet, f"the next request on the same connection, {wording.run(failed.request)}"
        )
    )
    close = failed.server_close
    if close is not None:
        found.append(Evidence(close.packet, f"{wording.act(close)} from the server"))
    return tuple(found)


def _safe(failed: FailedExchange) -> bool | None:
    if failed.exchange.outcome == "complete":
        return None
    close = failed.server_close
    unread = close is not None and close.ack is not None and close.ack <= failed.request.start
    return unread or failed.idempotent
