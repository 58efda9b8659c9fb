"""Rule response-truncated: the server closed the connection before the response was complete."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.closes import ground_of
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict

from .unfinished_response import (
    advice_for_streams,
    has_begun,
    progress_words,
    response_evidence,
    when_words,
)

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange


def response_truncated(failed: FailedExchange) -> Verdict | None:
    """A verdict where an orderly close ended a response whose framing says that more was to come.

    A body that ends with the connection has no such framing: its end by FIN is no proof (RFC 9112
    section 9.8), and nobody is accused.
    """
    response, close = failed.exchange.response, failed.server_close
    if response is None or not has_begun(response) or close is None or close.kind == "rst":
        return None
    if response.framing == "close":
        return None
    return Verdict(
        code="response-truncated",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault="server",
        grounds=(Ground.SAID, ground_of(close, failed.connection)),
        facts=f"{progress_words(response)} when the server closed the connection ({wording.act(close)})."
        f"{when_words(failed)}",
        evidence=response_evidence(response, close),
        runner_up="client-abort: refuted, no close from the client came before",
        retry_safe=failed.idempotent,
        advice_client=advice_for_streams(response),
        time_ns=failed.request.time_ns,
    )
