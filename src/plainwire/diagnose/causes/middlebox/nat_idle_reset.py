"""Rule nat-idle-reset: a box on the path had forgotten the idle connection and reset it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.thresholds import LONG_IDLE_NS
from plainwire.diagnose.verdict import Verdict, idle_words

from .reset_in_servers_name import reset_after_request, reset_evidence, unknown_to_sender

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange


def nat_idle_reset(failed: FailedExchange) -> Verdict | None:
    """A verdict where the first packet after a pause was answered by a RST from nearer than the server."""
    close = reset_after_request(failed)
    if close is None or not unknown_to_sender(failed, close):
        return None
    source = failed.reset_origin(close)
    idle = failed.idle_ns
    if source.fault != "path" or idle is None or idle < LONG_IDLE_NS or failed.survived(idle):
        return None
    return Verdict(
        code="nat-idle-reset",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault="path",
        grounds=source.grounds,
        facts=f"The connection had been idle for {wording.span(idle)}. The first packet after that was "
        f"answered by a RST without ACK {wording.span(close.time_ns - failed.request.last_ns)} later. "
        f"{source.says}{idle_words(failed)}",
        evidence=reset_evidence(failed, close, source),
        runner_up="half-open-connection: refuted, the reset does not look like the server's other packets",
        retry_safe=True,
        time_ns=failed.request.time_ns,
    )
