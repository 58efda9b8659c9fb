"""Rule middlebox-injected-reset: something between client and server reset the connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.thresholds import AT_ONCE_NS
from plainwire.diagnose.verdict import Verdict

from .reset_in_servers_name import reset_after_request, reset_evidence

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange


def middlebox_injected_reset(failed: FailedExchange) -> Verdict | None:
    """A verdict where the server's first act of closing is a RST with foreign marks."""
    close = reset_after_request(failed)
    if close is None:
        return None
    source = failed.reset_origin(close)
    if source.fault != "path":
        return None
    return Verdict(
        code="middlebox-injected-reset",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault="path",
        grounds=source.grounds,
        facts=f"A reset ended the connection {wording.span(close.time_ns - failed.request.last_ns)} after "
        f"the request{_stage(failed)}. {source.says}{_pause_words(failed)}",
        evidence=reset_evidence(failed, close, source),
        runner_up="a reset by the server: refuted, its own stack sends with one TTL, no sooner than a round "
        "trip allows, and nothing after a reset",
        retry_safe=failed.idempotent,
        time_ns=failed.request.time_ns,
    )


def _stage(failed: FailedExchange) -> str:
    return " before any response" if failed.exchange.response is None else " in the middle of the response"


def _pause_words(failed: FailedExchange) -> str:
    """A NAT or firewall that forgets idle connections strikes at the first packet after a pause."""
    idle = failed.idle_ns
    if idle is None or idle < AT_ONCE_NS:
        return ""
    return f" The connection had been idle for {wording.span(idle)} before the request."
