"""Rule h2-malformed-response: the response is malformed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from plainwire import plurals
from plainwire.diagnose.evidence.defects import own_defects
from plainwire.diagnose.evidence.exchanges import BODILESS
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import stream_name, stream_verdict
from plainwire.model import Evidence

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange, Verdict
    from plainwire.model import Response

ENDED_EARLY = (
    "Look at what makes the content: an upstream whose response was cut, which a gateway passed on as if it "
    "were whole; or a content-length that stayed although the content was changed (compression)."
)


def h2_malformed_response(failed: FailedExchange) -> Verdict | None:
    """A verdict where the response ended with another size than it had announced (RFC 9113 section 8.1.1)."""
    response = failed.exchange.response
    if response is None or not response.complete:
        return None
    unread = len(own_defects(response)) < len(response.defects)  # a status may stand in what was not read
    if not response.status and not failed.connection.gaps and response.defects and not unread:
        return _without_status(failed, response)
    if not _contradicts(failed, response):
        return None
    verdict = stream_verdict(
        failed,
        "h2-malformed-response",
        "server",
        (Ground.SAID,),
        f"The response on {stream_name(failed)} announced "
        f"{plurals.count(response.declared_size or 0, 'byte')} (content-length) and ended after "
        f"{response.body_size}.",
        Evidence(response.packet, f"the response begins, with a content-length of {response.declared_size}"),
        Evidence(
            response.last_packet, f"it ends (END_STREAM) after {plurals.count(response.body_size, 'byte')}"
        ),
        retry_safe=failed.idempotent,
        runner_up="bytes that the capture lacks: refuted, the stream's frames are all there",
    )
    return replace(verdict, advice_server=ENDED_EARLY)


def _without_status(failed: FailedExchange, response: Response) -> Verdict:
    return stream_verdict(
        failed,
        "h2-malformed-response",
        "server",
        (Ground.SAID,),
        f"The response on {stream_name(failed)} has no :status that is a number: each response has one (RFC "
        "9113 section 8.3.2).",
        Evidence(response.packet, "the response begins, without a valid :status"),
        retry_safe=failed.idempotent,
        runner_up="bytes that the capture lacks: refuted, the stream's frames are all there",
    )


def _contradicts(failed: FailedExchange, response: Response) -> bool:
    if response.declared_size is None or response.declared_size == response.body_size:
        return False
    bodiless = failed.request.method == "HEAD" or response.status in BODILESS
    return not (
        bodiless or failed.connection.gaps or any("not in the capture" in d for d in response.defects)
    )
