"""Rule half-open-connection: the other end had forgotten the connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.thresholds import AT_ONCE_NS
from plainwire.diagnose.verdict import Verdict, idle_words

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
        certainty="likely",
        facts=f"After {wording.span(idle)} of idleness the request was answered by a RST without ACK: "
        f"whatever ends TCP at {wording.address(failed.connection)} did not know the connection any more, "
        f"and had not said so.{idle_words(failed)}",
        evidence=reset_evidence(failed, close, None),
        runner_up="nat-idle-reset: not excluded; the reset looks like the server's other packets and came "
        "no sooner, but a load balancer at the same place would look so too",
        retry_safe=True,
        time_ns=failed.request.time_ns,
    )
