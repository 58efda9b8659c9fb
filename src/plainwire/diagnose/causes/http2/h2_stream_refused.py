"""Rule h2-stream-refused, of HTTP/3 h3-goaway-or-rejected: a stream sent back untouched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import stage, stream_name, stream_verdict
from plainwire.model import Evidence, Side

from .goaway import H3_REFUSED, frame_words

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange, Verdict


def h2_stream_refused(failed: FailedExchange) -> Verdict | None:
    """RFC 9113 section 8.7, RFC 9114 section 4.1.1."""
    reset = failed.exchange.reset
    if failed.exchange.outcome != "refused" or reset is None or reset.side != Side.SERVER:
        return None
    return stream_verdict(
        failed,
        H3_REFUSED if failed.exchange.protocol == "h3" else "h2-stream-refused",
        "server",
        (Ground.SAID,),
        f"The server reset {stream_name(failed)} with {reset.name}, {stage(failed, reset.time_ns)}. "
        f"{plurals.count(_others_open(failed), 'other stream of the connection', 'was')} open at that "
        "moment.",
        Evidence(reset.packet, f"{frame_words(reset)} from the server"),
        retry_safe=True,
        runner_up="a failure while the request was processed: refuted, the code says that it was not",
    )


def _others_open(failed: FailedExchange) -> int:
    """How many other streams were open when the request came."""
    at = failed.request.time_ns
    return sum(
        1
        for other in failed.connection.exchanges
        if other is not failed.exchange
        and other.request is not None
        and other.request.time_ns <= at
        and (other.response is None or not other.response.complete or other.response.last_ns > at)
    )
