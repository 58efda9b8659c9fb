"""Rule goaway-race, of HTTP/3 h3-goaway-or-rejected: the request crossed the server's GOAWAY."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.round_trip import shortest_rtt
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import stream_verdict
from plainwire.model import Evidence

from .goaway import H3_REFUSED, beyond, goaways, in_parentheses, limit_words

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange, Verdict


_CROSSING_NS = 100_000_000
"""What is sent so much later did not cross the GOAWAY, whatever the round trip (chosen)."""

_UNREAD = (
    " That is no crossing: the GOAWAY had long arrived. The client had not read it, as clients do that read "
    "a connection only while they wait for a response (httpx and others without a task that reads)."
)


def goaway_race(failed: FailedExchange) -> Verdict | None:
    """RFC 9113 section 6.8, RFC 9114 section 5.2."""
    if failed.exchange.outcome != "refused":
        return None
    goaway = next((e for e in goaways(failed) if beyond(failed, e)), None)
    if goaway is None:
        return None
    late_ns = failed.request.time_ns - goaway.time_ns
    order = "before" if late_ns < 0 else "after"
    unread = late_ns > max(_CROSSING_NS, 2 * (shortest_rtt(failed.connection) or 0))
    return stream_verdict(
        failed,
        H3_REFUSED if failed.exchange.protocol == "h3" else "goaway-race",
        "client" if unread else "both",
        (Ground.SAID,),
        f"The request passed {wording.span(abs(late_ns))} {order} the server's "
        f"GOAWAY{in_parentheses(goaway)}, which says that of the client's streams "
        f"{limit_words(failed, goaway)}; this one is {failed.exchange.stream}.{_UNREAD if unread else ''}",
        Evidence(
            goaway.packet, f"GOAWAY{in_parentheses(goaway)} from the server, {limit_words(failed, goaway)}"
        ),
        retry_safe=True,
        runner_up="a server that lost the request: refuted, it said which streams it would not work on",
    )
