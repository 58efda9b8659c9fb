"""Rule client-abort: the client's side ended the connection first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.model import Evidence, Side

from . import primitives, words
from .verdict import Scene, Verdict

if TYPE_CHECKING:
    from plainwire.model import Certainty, CloseEvent, Fault, Response

PATIENCE_NS = 1_000_000_000
"""A client that waited longer than this in silence before it hung up is not called the one at fault."""


def client_abort(scene: Scene) -> Verdict | None:
    """A verdict where the client's close came while the exchange was open, ahead of any from the server."""
    close = primitives.client_first(scene.connection)
    if close is None or close.time_ns < scene.request.time_ns:
        return None
    waited = close.time_ns - scene.request.last_ns
    stage, fault, safe = _stage(scene, close, waited)
    return Verdict(
        code="client-abort",
        connection=scene.connection,
        exchanges=(scene.exchange.id,),
        fault=fault,
        certainty=_certainty(scene, close),
        facts=f"The client's side ended the connection ({words.act(close)}) {stage}, before any close "
        f"from the server.{_late_words(scene, close)}",
        evidence=_evidence(scene, close),
        runner_up=_rival(scene, close),
        retry_safe=safe,
        time_ns=scene.request.time_ns,
    )


def _stage(scene: Scene, close: CloseEvent, waited: int) -> tuple[str, Fault, bool | None]:
    """How far the exchange had come, whose fault that makes it, and whether a retry is safe."""
    if not scene.request.complete:
        return "in the middle of sending the request", "client", scene.idempotent
    response = scene.exchange.response
    if response is not None:
        return (*_stage_of_response(scene, response, close), scene.idempotent)
    acknowledged = primitives.last_ack(scene.connection, Side.SERVER, close)
    says = f"{words.span(waited)} after the request"
    if acknowledged is not None and acknowledged < scene.request.end:
        says += ", of which the server had not acknowledged everything"
    elif acknowledged is not None:
        says += ", which the server had acknowledged but not answered"
    return says, "client" if waited < PATIENCE_NS else "unknown", scene.idempotent


def _stage_of_response(scene: Scene, response: Response, close: CloseEvent) -> tuple[str, Fault]:
    if scene.late is not None:
        return "in the middle of the response", "client"
    quiet = close.time_ns - response.last_ns
    stage = f"in the middle of the response, {words.span(quiet)} after its last byte"
    if response.defects:
        return f"{stage} (the response breaks the rules of HTTP: that may be why)", "unknown"
    if _endless(response):
        stage += " (no length was announced: it may have been complete)"
    return stage, "client" if quiet < PATIENCE_NS else "unknown"


def _endless(response: Response) -> bool:
    """Whether only the end of the connection could have marked the end of the body."""
    return response.framing in ("close", "unknown")


def _late_words(scene: Scene, close: CloseEvent) -> str:
    """An answer that came afterwards shows that the server was slow, not silent."""
    if scene.late is None:
        return ""
    behind = words.span(scene.late.last_ns - close.time_ns)
    return (
        f" The server's answer (status {scene.late.status}) was complete {behind} later, when nobody took it."
    )


def _certainty(scene: Scene, close: CloseEvent) -> Certainty:
    """A RST without ACK from our side may be its host's own, sent in the program's place."""
    if scene.exchange.response is not None and _endless(scene.exchange.response):
        return "possible"
    if primitives.is_reactive(close) and not primitives.on_one_host(scene.connection):
        return "likely"
    return "proved"


def _rival(scene: Scene, close: CloseEvent) -> str:
    server = scene.server_close
    if server is None:
        return "a close by the server: refuted, none is in the capture"
    behind = words.span(server.time_ns - close.time_ns)
    return f"a close by the server: refuted, its {words.act(server)} came {behind} after the client's"


def _evidence(scene: Scene, close: CloseEvent) -> tuple[Evidence, ...]:
    found = [Evidence(scene.request.packet, f"the request, {words.run(scene.request)}")]
    acknowledged = primitives.first_ack(scene.connection, Side.SERVER, scene.request.end)
    if acknowledged is not None and acknowledged[1] <= close.time_ns:
        found.append(Evidence(acknowledged[0], "the server acknowledges the whole request"))
    if scene.exchange.response is not None and scene.late is None:
        found.append(
            Evidence(scene.exchange.response.last_packet, "the last byte of the response that was seen")
        )
    found.append(Evidence(close.packet, f"{words.act(close)} from the client"))
    if scene.late is not None:
        found.append(Evidence(scene.late.last_packet, "the end of the server's answer, too late"))
    return tuple(found)
