"""Rule h2-close-without-goaway: the server closed a connection with open streams, without GOAWAY."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.closes import ground_of
from plainwire.diagnose.verdict import stage, stream_verdict
from plainwire.model import Evidence, Side

from .goaway import goaways

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange, Verdict


def h2_close_without_goaway(failed: FailedExchange) -> Verdict | None:
    """RFC 9113 section 6.8: a server should say which streams it has worked on before it closes."""
    close = failed.first_close
    if close is None or close.side != Side.SERVER or goaways(failed):
        return None
    had = close.ack is None or close.ack > failed.request.start
    known = close.ack is not None
    if not had:
        says = " It had received nothing of the request: request and close crossed."
    elif known and close.ack is not None and close.ack >= failed.request.end:
        says = " It had received all of the request that was seen."
    else:
        says = ""
    return stream_verdict(
        failed,
        "h2-close-without-goaway",
        "server" if had else "both",
        (ground_of(close, failed.connection),),
        f"The connection ended with {wording.act(close)} from the server's side, "
        f"{stage(failed, close.time_ns)}. No GOAWAY had said which streams it would still work on.{says}",
        Evidence(close.packet, f"{wording.act(close)} from the server"),
        retry_safe=True if not had else failed.idempotent,
        runner_up="a stream that the server reset: refuted, no such frame is in the capture",
    )
