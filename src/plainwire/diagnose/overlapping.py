"""Rules response-not-drained and pipelining-broken: a request on a connection that was not free."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.model import Evidence

from . import primitives, words
from .verdict import Scene, Verdict

if TYPE_CHECKING:
    from plainwire.model import Exchange


def response_not_drained(scene: Scene) -> Verdict | None:
    """A verdict where the request left while the client was still receiving the answer before it."""
    before = _unfinished_before(scene)
    if before is None or before.response is None:
        return None
    had = primitives.ack_at(scene.connection, scene.request.packet)
    if had is None or not before.response.start < had < before.response.end:
        return None
    return Verdict(
        code="response-not-drained",
        connection=scene.connection,
        exchanges=(scene.exchange.id,),
        fault="client",
        certainty="likely",
        facts=f"When this request left, the client had {had - before.response.start} of "
        f"{before.response.end - before.response.start} bytes of the response to exchange {before.id}: it "
        "used the connection again before it had taken that response in. The server closed, and did not "
        "answer.",
        evidence=_evidence(scene, before),
        runner_up="pipelining-broken: refuted, the response before had begun when the request left",
        retry_safe=_safe(scene),
        time_ns=scene.request.time_ns,
    )


def pipelining_broken(scene: Scene) -> Verdict | None:
    """A verdict where the request left before the answer to the one before it had begun.

    A response that announced the close allows the server to drop what follows (RFC 9112 sections 9.3.2
    and 9.6), and the client could not know.
    """
    before = _unfinished_before(scene)
    if before is None or before.response is None:
        return None
    announced = before.response.close_announced
    return Verdict(
        code="pipelining-broken",
        connection=scene.connection,
        exchanges=(scene.exchange.id,),
        fault="both",
        certainty="likely",
        facts=f"The request was pipelined behind exchange {before.id}, "
        + (
            "whose response announced the close: the server may drop what follows."
            if announced
            else "which was answered; then the server closed, and this one was not."
        ),
        evidence=_evidence(scene, before),
        runner_up="connection-shared (two threads on one connection): looks the same from here; the "
        "program's own view would tell",
        retry_safe=_safe(scene),
        time_ns=scene.request.time_ns,
    )


def _unfinished_before(scene: Scene) -> Exchange | None:
    """The exchange just before, where its answer was not complete at the client when this request left."""
    if scene.exchange.response is not None or scene.server_close is None:
        return None
    place = scene.exchange.ordinal - 2
    if not 0 <= place < len(scene.connection.exchanges):
        return None
    before = scene.connection.exchanges[place]
    if before.request is None or before.response is None or before.outcome != "complete":
        return None
    if before.response.last_ns <= scene.request.time_ns:
        return None
    had = primitives.ack_at(scene.connection, scene.request.packet)
    return None if had is not None and had >= before.response.end else before


def _safe(scene: Scene) -> bool:
    close = scene.server_close
    unread = close is not None and close.ack is not None and close.ack <= scene.request.start
    return unread or scene.idempotent


def _evidence(scene: Scene, before: Exchange) -> tuple[Evidence, ...]:
    found = [] if before.request is None else [Evidence(before.request.packet, "the request before")]
    had = primitives.ack_at(scene.connection, scene.request.packet)
    said = "" if had is None else f", Ack={words.number(had)}"
    found.append(Evidence(scene.request.packet, f"the request, {words.run(scene.request)}{said}"))
    if before.response is not None:
        found.append(
            Evidence(before.response.last_packet, f"only here ends the response to exchange {before.id}")
        )
    close = scene.server_close
    if close is not None:
        found.append(Evidence(close.packet, f"{words.act(close)} from the server"))
    return tuple(found)
