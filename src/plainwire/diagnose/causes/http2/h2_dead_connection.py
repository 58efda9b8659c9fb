"""Rule h2-dead-connection: not one packet of the server's came any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.arrays import distinct, np
from plainwire.diagnose import wording
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import stream_name, stream_verdict
from plainwire.model import Evidence, Side

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange, Verdict


LONG_ENOUGH_NS = 1_000_000_000
"""A stall of a second is no accident of timing; a lost segment has been repeated by then (RFC 6298)."""


def h2_dead_connection(failed: FailedExchange) -> Verdict | None:
    """A verdict where not one packet of the server's came any more, though ours were sent again."""
    segments = failed.connection.segments
    if segments is None or failed.exchange.protocol == "h3" or failed.exchange.response is not None:
        return None
    since = failed.request.time_ns
    if ((segments.side == Side.SERVER) & (segments.time_ns > since)).any():
        return None
    ours = np.flatnonzero(
        (segments.side == Side.CLIENT) & (segments.time_ns >= since) & (segments.length > 0)
    )
    if len(ours) < 2:
        return None
    seqs = segments.seq[ours]
    repeated = len(ours) - len(distinct(seqs))
    lasted = int(segments.time_ns[ours[-1]]) - since
    if not repeated or lasted < LONG_ENOUGH_NS // 2:
        return None
    heard = np.flatnonzero(segments.side == Side.SERVER)
    before = (
        ()
        if not len(heard)
        else (Evidence(int(segments.number[heard[-1]]), "the last packet that came from the server"),)
    )
    return stream_verdict(
        failed,
        "h2-dead-connection",
        "unknown",
        (Ground.INFERENCE,),
        f"After the request on {stream_name(failed)} no packet came from the server any more, not even an "
        f"acknowledgment, while the client sent {repeated} of its segments again in {wording.span(lasted)}. "
        "Which end or which part of the path is dead cannot be told from here.",
        *before,
        Evidence(int(segments.number[ours[-1]]), "the client's data again, not acknowledged"),
        retry_safe=failed.idempotent,
        runner_up="a server that is slow to answer: refuted, its host would have acknowledged the request",
    )
