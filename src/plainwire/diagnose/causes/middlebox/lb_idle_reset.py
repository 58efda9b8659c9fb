"""Rule lb-idle-reset: a box on the path reset the connection after a time without packets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.closes import quiet_before
from plainwire.diagnose.verdict import Verdict

from .reset_in_servers_name import reset_evidence

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange


_LONG_SILENCE_NS = 1_000_000_000
"""Load balancers' limits are seconds at the least."""


def lb_idle_reset(failed: FailedExchange) -> Verdict | None:
    """A verdict where a reset with foreign marks came unasked, after nothing had been sent for long."""
    close = failed.server_close
    if close is None or close.kind != "rst" or close.ack is None:
        return None
    source = failed.reset_origin(close)
    quiet = quiet_before(failed.connection, close, failed.request)
    if source.fault != "path" or quiet is None or quiet < _LONG_SILENCE_NS:
        return None
    crossed = close.ack <= failed.request.start
    return Verdict(
        code="lb-idle-reset",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault="path",
        grounds=source.grounds,
        facts=f"Nothing had passed on the connection for {wording.span(quiet)} when a reset came that "
        f"answers no packet{'' if crossed else ', while the request waited for its response'}. {source.says}",
        evidence=reset_evidence(failed, close, source),
        runner_up="a time limit of the server's own: refuted, the reset does not look like its other packets",
        retry_safe=crossed or failed.idempotent,
        time_ns=failed.request.time_ns,
    )
