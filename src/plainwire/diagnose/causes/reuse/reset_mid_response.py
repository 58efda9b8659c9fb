"""Rule reset-mid-response: the connection was reset in the middle of the response."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose.evidence.acknowledgments import missing_before
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict

from .unfinished_response import has_begun, progress_words, response_evidence, when_words

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange


def reset_mid_response(failed: FailedExchange) -> Verdict | None:
    """A verdict where a RST ended an incomplete response."""
    response, close = failed.exchange.response, failed.server_close
    if response is None or not has_begun(response) or close is None or close.kind != "rst":
        return None
    source = failed.reset_origin(close)
    missing = missing_before(failed.connection, close)
    lost = (
        f" {missing} bytes that came before the reset never reached the place of the capture."
        if missing
        else ""
    )
    return Verdict(
        code="reset-mid-response",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault=source.fault,
        grounds=(*source.grounds, Ground.GUESS) if missing else source.grounds,
        facts=f"{progress_words(response)} when the connection was reset.{when_words(failed)}{lost} "
        f"{source.says}",
        evidence=(*response_evidence(response, close), *source.evidence),
        runner_up="client-abort: refuted, no close from the client came before",
        retry_safe=failed.idempotent,
        time_ns=failed.request.time_ns,
    )
