"""Rule reset-mid-request: the server had the request and the connection was reset without a response."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose.evidence import reset_sender
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict

from .closed_on_request import (
    arrival_words,
    closing_fault,
    defect_words,
    delay_words,
    had_some,
    had_up_to,
    race_refuted,
    request_evidence,
)

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange


def reset_mid_request(failed: FailedExchange) -> Verdict | None:
    """A verdict where the server's first act of closing is a RST, with the request acknowledged."""
    close = failed.server_close
    if close is None or close.kind != "rst" or not had_some(failed, close):
        return None
    whole = had_up_to(failed, close) >= failed.request.end
    source = reset_sender.of_reset(failed.connection, close)
    fault = closing_fault(failed, close, whole=whole) if source.fault == "server" else source.fault
    return Verdict(
        code="reset-mid-request",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault=fault,
        grounds=source.grounds if whole else (*source.grounds, Ground.INFERENCE),
        facts=f"{arrival_words(failed, close)}. Then the connection was reset without a byte of "
        f"response{delay_words(failed, close)}. {source.says}{defect_words(failed)}",
        evidence=(*request_evidence(failed, close), *source.evidence),
        runner_up=race_refuted(failed, close),
        retry_safe=failed.idempotent,
        time_ns=failed.request.time_ns,
    )
