"""Rule unsafe-retry-duplicate: what is not safe to repeat was repeated although the server had it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose.evidence.acknowledgments import first_ack
from plainwire.diagnose.evidence.as_the_client_saw import as_the_client_saw
from plainwire.diagnose.evidence.exchanges import IDEMPOTENT, SUCCESS
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.traffic.repetitions import was_refused
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence, Side

from .copies import was_received

if TYPE_CHECKING:
    from plainwire.diagnose.traffic.repetitions import Sending


_KEYS = ("idempotency-key", "x-idempotency-key", "x-request-token", "if-match", "if-none-match")
"""Header fields by which a server can tell that it has done this already."""


_DONE_PERHAPS = frozenset((500, 502, 504))
"""Errors behind which the request may have been carried out: a gateway only gave up waiting."""


def may_have_run_twice(first: Sending) -> bool:
    """Whether the server may have acted on a request that is not to be repeated, and then on its twin.

    An idempotency key tells it that both are one.
    """
    request = first.request
    if request.method in IDEMPOTENT or not was_received(first):
        return False
    if any(name.lower() in _KEYS for name, _ in request.headers):
        return False
    if was_refused(first.exchange):
        response = first.exchange.response
        return response is not None and response.status in _DONE_PERHAPS
    seen = as_the_client_saw(first.connection, first.exchange).response
    return seen is None or not seen.complete


def unsafe_retry_duplicate(first: Sending, twin: Sending) -> Verdict:
    """The verdict on a request that may have run twice."""
    answer = first.exchange.response
    executed = answer is not None and answer.complete and answer.status in SUCCESS
    acknowledged = first_ack(first.connection, Side.SERVER, first.request.end)
    return Verdict(
        code="unsafe-retry-duplicate",
        connection=first.connection,
        exchanges=(first.exchange.id, twin.exchange.id),
        fault="client",
        grounds=(Ground.INFERENCE,),
        facts=f"The server had all of exchange {first.exchange.id}, whose method is not idempotent and which "
        f"has no idempotency key, and got the same again as exchange {twin.exchange.id}. "
        + (
            "It answered the first copy with success, when nobody took the response any more: it ran twice."
            if executed
            else "Whether it had acted on the first copy, only the server knows."
        ),
        evidence=(
            Evidence(first.request.packet, "the request for the first time"),
            *(
                ()
                if acknowledged is None
                else (Evidence(acknowledged[0], "the server acknowledges all of it"),)
            ),
            Evidence(twin.request.packet, "the same request (method, target, body) again"),
        ),
        runner_up="two requests that happen to be equal: nowhere else do they follow each other so quickly",
        retry_safe=False,
        time_ns=first.request.time_ns,
    )
