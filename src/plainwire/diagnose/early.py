"""Rule early-response-reset: the answer came before the request was there, and a reset behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.model import Evidence, Side

from . import origin, primitives, words
from .verdict import Scene, Verdict

if TYPE_CHECKING:
    from plainwire.model import CloseEvent


def early_response_reset(scene: Scene) -> Verdict | None:
    """A verdict where the server answered, did not take the rest of the request, and reset.

    A client that has noticed the answer and closes first is well: no reset can harm it then.
    """
    request, response = scene.request, scene.exchange.response
    if response is None or not response.status or not _early(scene):
        return None
    reset = _reset_behind(scene, response.time_ns)
    if reset is None or origin.of_reset(scene.connection, reset).fault == "path":
        return None
    had = primitives.last_ack(scene.connection, Side.SERVER, reset)
    if had is None or had <= request.start or (request.complete and had >= request.end):
        return None
    whole = "a complete answer" if response.complete else "the beginning of an answer"
    return Verdict(
        code="early-response-reset",
        connection=scene.connection,
        exchanges=(scene.exchange.id,),
        fault="server",
        certainty="proved" if primitives.on_one_host(scene.connection) else "likely",
        facts=f"The server had {had - request.start} bytes of a request of which {_sent(scene)} when it "
        f"wrote {whole} (status {response.status}); {words.span(reset.time_ns - response.time_ns)} later "
        "the connection was reset. A reset can destroy an answer that has arrived and was not read: the "
        "program may have seen a broken pipe or a reset, and not the status.",
        evidence=_evidence(scene, reset),
        runner_up="reset-mid-request: refuted, an answer came before the reset",
        retry_safe=None,
        time_ns=request.time_ns,
    )


def _early(scene: Scene) -> bool:
    response = scene.exchange.response
    return response is not None and (not scene.request.complete or response.time_ns < scene.request.last_ns)


def _reset_behind(scene: Scene, since: int) -> CloseEvent | None:
    """The first RST of the server's after its answer began, unless the client had closed before it."""
    for close in scene.connection.closes:
        if close.time_ns < since:
            continue
        if close.side == Side.CLIENT:
            return None
        if close.kind == "rst":
            return close
    return None


def _sent(scene: Scene) -> str:
    request = scene.request
    if request.complete:
        return f"{request.end - request.start} were sent"
    return f"{request.end - request.start} were sent and more were to come"


def _evidence(scene: Scene, reset: CloseEvent) -> tuple[Evidence, ...]:
    response = scene.exchange.response
    number = f"Seq={words.number(reset.seq)}" + (
        "" if reset.ack is None else f", Ack={words.number(reset.ack)}"
    )
    return (
        Evidence(scene.request.packet, "the request begins"),
        *(() if response is None else (Evidence(response.packet, f"the answer, status {response.status}"),)),
        Evidence(scene.request.last_packet, "the last of the request that was seen"),
        Evidence(reset.packet, f"{words.act(reset)} from the server, {number}"),
    )
