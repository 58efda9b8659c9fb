"""Rule early-response-stall: the response is whole, and the client waits to send the rest of its request.

A server may answer before it has the request (RFC 9113 section 8.1, RFC 9112 section 9.3: 413, 401, 200),
and take no more of it. A client that does not look for responses while it sends then waits for a window, or
for the socket, that nobody will open again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose import wording
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.thresholds import PATIENCE_NS
from plainwire.diagnose.verdict import Verdict, stream_name
from plainwire.model import Evidence, Side

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import StreamEvent


def early_response_stall(failed: FailedExchange) -> Verdict | None:
    """A verdict where a client went on sending behind a whole response, and then hung for a long time."""
    request, response = failed.request, failed.exchange.response
    if response is None or not response.complete or request.complete or not response.status:
        return None
    gone = failed.given_up_by_client_ns
    went_on = request.last_ns > response.last_ns
    if gone is None or not went_on or gone - request.last_ns < PATIENCE_NS:
        return None
    window = _exhausted(failed)
    blocked = (
        " Its window for the stream was used up, and a finished stream gets no new one."
        if window is not None
        else ""
    )
    return Verdict(
        code="early-response-stall",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault="client",
        grounds=(Ground.SAID,),
        facts=f"A whole response (status {response.status}) was there "
        f"{wording.span(max(0, response.last_ns - request.time_ns))} after the request on "
        f"{stream_name(failed)} had begun. The client sent on "
        f"({plurals.count(request.body_size, 'byte of the body')}), then waited for "
        f"{wording.span(gone - request.last_ns)} and gave up.{blocked} The response had been there all the "
        "time.",
        evidence=(
            Evidence(request.packet, "the request begins"),
            Evidence(response.packet, f"the response, status {response.status}"),
            Evidence(response.last_packet, "its last byte"),
            Evidence(request.last_packet, "the last of the request's body, sent after it"),
            *((Evidence(window.packet, "the client's window is used up"),) if window is not None else ()),
        ),
        runner_up="a server that is slow: refuted, its response was complete",
        retry_safe=False,
        time_ns=request.time_ns,
    )


def _exhausted(failed: FailedExchange) -> StreamEvent | None:
    return next(
        (
            e
            for e in failed.traffic.events(failed.connection, "window exhausted")
            if e.side == Side.CLIENT and e.stream in (None, failed.exchange.stream)
        ),
        None,
    )
