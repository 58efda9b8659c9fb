"""Rule goaway-accepted-not-answered: the server had said that it would still answer, and closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import stage, stream_verdict
from plainwire.model import Evidence, Side

from .goaway import beyond, goaways, in_parentheses, limit_words

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange, Verdict


def goaway_accepted_not_answered(failed: FailedExchange) -> Verdict | None:
    """The server had promised to work on the stream, and closed without a response."""
    close = failed.first_close
    goaway = goaways(failed)[-1:]
    if close is None or close.side != Side.SERVER or not goaway or beyond(failed, goaway[0]):
        return None
    event = goaway[0]
    return stream_verdict(
        failed,
        "goaway-accepted-not-answered",
        "server",
        (Ground.SAID,),
        f"The server announced the end with GOAWAY{in_parentheses(event)}: {limit_words(failed, event)}, and "
        f"this is stream {failed.exchange.stream}. It then closed ({wording.act(close)}) "
        f"{stage(failed, close.time_ns)}.",
        Evidence(
            event.packet, f"GOAWAY{in_parentheses(event)} from the server, {limit_words(failed, event)}"
        ),
        Evidence(close.packet, f"{wording.act(close)} from the server"),
        retry_safe=failed.idempotent,
        runner_up="a request that the server did not work on: refuted, its GOAWAY counts it in",
    )
