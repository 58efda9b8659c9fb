"""Rule pipelining-broken: a second request was sent before the first was answered, and was lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict

from .overlap import overlap_evidence, retry_is_safe, unfinished_before

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange


def pipelining_broken(failed: FailedExchange) -> Verdict | None:
    """A verdict where the request left before the response to the one before it had begun.

    A response that announced the close allows the server to drop what follows (RFC 9112 sections 9.3.2
    and 9.6), and the client could not know.
    """
    before = unfinished_before(failed)
    if before is None or before.response is None:
        return None
    announced = before.response.close_announced
    return Verdict(
        code="pipelining-broken",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault="both",
        grounds=(Ground.INFERENCE,),
        facts=f"The request was pipelined behind exchange {before.id}, "
        + (
            "whose response announced the close: the server may drop what follows."
            if announced
            else "which was answered; then the server closed, and this one was not."
        ),
        evidence=overlap_evidence(failed, before),
        runner_up="connection-shared (two threads on one connection): looks the same from here; only the "
        "program could tell",
        retry_safe=retry_is_safe(failed),
        time_ns=failed.request.time_ns,
    )
