"""Rule goaway-race, of HTTP/3 h3-goaway-or-rejected: the request crossed the server's GOAWAY."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import stream_verdict
from plainwire.model import Evidence

from .goaway import H3_REFUSED, beyond, goaways, in_parentheses, limit_words

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange, Verdict


def goaway_race(failed: FailedExchange) -> Verdict | None:
    """RFC 9113 section 6.8, RFC 9114 section 5.2."""
    if failed.exchange.outcome != "refused":
        return None
    goaway = next((e for e in goaways(failed) if beyond(failed, e)), None)
    if goaway is None:
        return None
    apart = wording.span(abs(goaway.time_ns - failed.request.time_ns))
    order = "before" if failed.request.time_ns < goaway.time_ns else "after"
    return stream_verdict(
        failed,
        H3_REFUSED if failed.exchange.protocol == "h3" else "goaway-race",
        "both",
        (Ground.SAID,),
        f"The request passed {apart} {order} the server's GOAWAY{in_parentheses(goaway)}, which says that of "
        f"the client's streams {limit_words(failed, goaway)}; this one is {failed.exchange.stream}.",
        Evidence(
            goaway.packet, f"GOAWAY{in_parentheses(goaway)} from the server, {limit_words(failed, goaway)}"
        ),
        retry_safe=True,
        runner_up="a server that lost the request: refuted, it said which streams it would not work on",
    )
