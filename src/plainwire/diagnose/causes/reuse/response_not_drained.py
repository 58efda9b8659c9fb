"""Rule response-not-drained: the client used the connection again before the whole response had come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose.evidence.acknowledgments import ack_at
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict

from .overlap import overlap_evidence, retry_is_safe, unfinished_before

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange


def response_not_drained(failed: FailedExchange) -> Verdict | None:
    """A verdict where the request left while the client was still receiving the response before it."""
    before = unfinished_before(failed)
    if before is None or before.response is None:
        return None
    had = ack_at(failed.connection, failed.request.packet)
    if had is None or not before.response.start < had < before.response.end:
        return None
    return Verdict(
        code="response-not-drained",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault="client",
        grounds=(Ground.INFERENCE,),
        facts=f"When this request left, the client had {had - before.response.start} of "
        f"{before.response.end - before.response.start} bytes of the response to exchange {before.id}: it "
        "used the connection again before it had received all of that response. The server closed, and did "
        "not answer.",
        evidence=overlap_evidence(failed, before),
        runner_up="pipelining-broken: refuted, the response before had begun when the request left",
        retry_safe=retry_is_safe(failed),
        time_ns=failed.request.time_ns,
    )
