"""Rule reset-mid-request: the server had the request and the connection was reset without a response."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict

from .closed_on_request import (
    arrival_words,
    closing_fault,
    crossing_grounds,
    defect_words,
    delay_words,
    had_some,
    had_up_to,
    race_refuted,
    request_evidence,
)

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange


_IN_USE_NS = 1_000_000_000
"""No server ends a connection for idleness, and no path forgets it, sooner than after a second."""


def reset_mid_request(failed: FailedExchange) -> Verdict | None:
    """A verdict where the server's first act of closing is a RST, with the request acknowledged."""
    close = failed.server_close
    if close is None or close.kind != "rst" or not had_some(failed, close):
        return None
    whole = had_up_to(failed, close) >= failed.request.end
    source = failed.reset_origin(close)
    fault = closing_fault(failed, close, whole=whole) if source.fault == "server" else source.fault
    return Verdict(
        code="reset-mid-request",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault=fault,
        grounds=(
            *source.grounds,
            *(() if whole else (Ground.INFERENCE,)),
            *crossing_grounds(failed, close),
        ),
        facts=f"{arrival_words(failed, close)}. Then the connection was reset without a byte of "
        f"response{delay_words(failed, close)}. {source.says}{defect_words(failed, close)}",
        evidence=(*request_evidence(failed, close), *source.evidence),
        runner_up=race_refuted(failed, close),
        retry_safe=failed.idempotent,
        time_ns=failed.request.time_ns,
    )


def reset_upon_request(failed: FailedExchange) -> Verdict | None:
    """The same where the program's calls on its socket are all that there is: what the RST acknowledged is
    not known, and only that the connection was in use until then speaks for it.

    Had the server closed before, its FIN would have come ahead of the RST. One that came within a round trip
    may have crossed the request.
    """
    close, exchange = failed.server_close, failed.exchange
    if close is None or close.kind != "rst" or not close.from_sockets or exchange.response is not None:
        return None
    idle = exchange.idle_before_ns
    waited = close.time_ns - failed.request.last_ns
    rtt = failed.traffic.shortest_rtt[failed.connection.server] or 0
    if waited < rtt or (idle is not None and idle > _IN_USE_NS):
        return None
    source = failed.reset_origin(close)
    before = "as its first request" if idle is None else f"{wording.span(idle)} after the last response"
    return Verdict(
        code="reset-mid-request",
        connection=failed.connection,
        exchanges=(exchange.id,),
        fault=closing_fault(failed, close, whole=True) if source.fault == "server" else source.fault,
        grounds=(*source.grounds, Ground.INFERENCE),
        facts=f"The program sent the request ({wording.run(failed.request)}) {before}, and "
        f"{wording.span(waited)} later its connection was reset without a byte of response. No close had "
        "come before, and a connection that was in use a moment ago is not closed for idleness: so the reset "
        "answered the request. Whether it acknowledged that, the program's kernel does not tell. "
        f"{source.says}{defect_words(failed, close)}",
        evidence=(*request_evidence(failed, close), *source.evidence),
        runner_up="keepalive-idle-race: hardly, the connection had not been idle",
        retry_safe=failed.idempotent,
        time_ns=failed.request.time_ns,
    )
