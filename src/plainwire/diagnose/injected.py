"""Rule middlebox-injected-reset: the reset in the server's name that the server did not send."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.model import Evidence

from . import origin, primitives, words
from .clock import AT_ONCE_NS
from .verdict import Scene, Verdict

if TYPE_CHECKING:
    from plainwire.model import CloseEvent


def middlebox_injected_reset(scene: Scene) -> Verdict | None:
    """A verdict where the server's first act of closing is a RST with foreign marks."""
    close = scene.server_close
    if close is None or close.kind != "rst" or close.time_ns < scene.request.time_ns:
        return None
    source = origin.of_reset(scene.connection, close)
    if source.fault != "path":
        return None
    return Verdict(
        code="middlebox-injected-reset",
        connection=scene.connection,
        exchanges=(scene.exchange.id,),
        fault="path",
        certainty=source.certainty,
        facts=f"A reset ended the connection {words.span(close.time_ns - scene.request.last_ns)} after the "
        f"request{_stage(scene)}. {source.says}{_idle_words(scene)}",
        evidence=_evidence(scene, close, source),
        runner_up="a reset by the server: refuted, its own stack sends with one TTL, no sooner than a round "
        "trip allows, and nothing after a reset",
        retry_safe=scene.idempotent,
        time_ns=scene.request.time_ns,
    )


def _stage(scene: Scene) -> str:
    return " before any response" if scene.exchange.response is None else " in the middle of the response"


def _idle_words(scene: Scene) -> str:
    """A NAT or firewall that forgets idle connections strikes at the first packet after a pause."""
    if scene.previous is None:
        return ""
    idle = scene.request.time_ns - primitives.finished_ns(scene.previous)
    return (
        ""
        if idle < AT_ONCE_NS
        else f" The connection had been idle for {words.span(idle)} before the request."
    )


def _evidence(scene: Scene, close: CloseEvent, source: origin.Origin) -> tuple[Evidence, ...]:
    number = f"Seq={words.number(close.seq)}" + (
        "" if close.ack is None else f", Ack={words.number(close.ack)}"
    )
    return (
        Evidence(scene.request.packet, f"the request, {words.run(scene.request)}"),
        Evidence(close.packet, f"{words.act(close)} in the server's name, {number}"),
        *source.evidence,
    )
