"""Rule half-open-connection: the other end had forgotten the connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.closes import is_reactive
from plainwire.diagnose.evidence.exchanges import shares_connection
from plainwire.diagnose.evidence.idleness import pause_before_reset
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.thresholds import AT_ONCE_NS, LONG_IDLE_NS
from plainwire.diagnose.verdict import Verdict, idle_words
from plainwire.model import Evidence

from .reset_in_servers_name import reset_after_request, reset_evidence, unknown_to_sender

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange


def half_open_connection(failed: FailedExchange) -> Verdict | None:
    """A verdict where the first request after a pause met an end that did not know the connection."""
    close = reset_after_request(failed)
    idle = failed.idle_ns
    if close is None or not unknown_to_sender(failed, close) or idle is None or idle < AT_ONCE_NS:
        return None
    return Verdict(
        code="half-open-connection",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault="unknown",
        grounds=(Ground.INFERENCE,),
        facts=f"After {wording.span(idle)} of idleness the request was answered by a RST without ACK: "
        f"whatever ends TCP at {wording.address(failed.connection)} did not know the connection any more, "
        f"and had not said so.{idle_words(failed)}",
        evidence=reset_evidence(failed, close, None),
        runner_up="nat-idle-reset: not excluded; the reset looks like the server's other packets and came "
        "no sooner, but a load balancer at the same place would look so too",
        retry_safe=True,
        time_ns=failed.request.time_ns,
    )


def half_open_under_stream(failed: FailedExchange) -> Verdict | None:
    """The same for a stream that was open all through the pause: its connection died under it.

    What was sent after the pause may belong to another stream, or be a PING.
    """
    close = failed.server_close
    if close is None or not is_reactive(close) or not shares_connection(failed.exchange):
        return None
    burst = pause_before_reset(failed.connection, close)
    if burst is None or burst.idle_ns < LONG_IDLE_NS or failed.request.start >= burst.start:
        return None
    source = failed.reset_origin(close)
    path = source.fault == "path"
    return Verdict(
        code="nat-idle-reset" if path else "half-open-connection",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault="path" if path else "unknown",
        grounds=source.grounds if path else (Ground.INFERENCE,),
        facts=f"The connection had been idle for {wording.span(burst.idle_ns)} with this stream open. The "
        "first "
        "data after that were answered by a RST without ACK, and none of them acknowledged: what ends TCP at "
        f"{wording.address(failed.connection)}, or a box before it, did not know the connection any more."
        f"{f' {source.says}' if path else ''}",
        evidence=(
            Evidence(burst.packet, f"the client's first data after {wording.span(burst.idle_ns)}"),
            *reset_evidence(failed, close, source),
        ),
        runner_up="a server that ended the stream: refuted, it sent nothing, and the reset answers a packet",
        retry_safe=failed.idempotent,
        time_ns=failed.request.time_ns,
    )
