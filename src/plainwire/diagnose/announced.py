"""Rule connection-close-ignored: the connection had been announced as closing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.model import Evidence

from . import primitives, words
from .clock import announces_close
from .verdict import Scene, Verdict

if TYPE_CHECKING:
    from plainwire.model import Exchange


def connection_close_ignored(scene: Scene) -> Verdict | None:
    """A verdict where the previous exchange was complete, and had said that it was the last."""
    previous, request = scene.previous, scene.request
    if previous is None or not announces_close(previous) or previous.outcome != "complete":
        return None
    margin = request.time_ns - primitives.finished_ns(previous)
    if margin <= 0:
        return None
    had_read = _had_received(scene, previous)
    sure = had_read is True or (had_read is None and margin > primitives.BLINDNESS_NS)
    return Verdict(
        code="connection-close-ignored",
        connection=scene.connection,
        exchanges=(scene.exchange.id,),
        fault="client",
        certainty="proved" if sure else "likely",
        facts=f"{_announcement(previous)} {words.span(margin)} later the client sent another request on the "
        f"same connection{_fate(scene)}",
        evidence=_evidence(scene, previous),
        runner_up="keepalive-idle-race: refuted, the end of the connection had been announced",
        retry_safe=_safe(scene),
        time_ns=request.time_ns,
        failure=scene.exchange.outcome != "complete",
    )


def _had_received(scene: Scene, previous: Exchange) -> bool | None:
    """Whether the client's stack had the announcing response when it sent the request."""
    ack = primitives.ack_at(scene.connection, scene.request.packet)
    if ack is None or previous.response is None:
        return None
    return ack >= previous.response.end


def _announcement(previous: Exchange) -> str:
    if previous.response is not None and previous.response.close_announced:
        return f"The response of exchange {previous.id} said 'Connection: close'."
    if previous.request is not None and previous.request.close_announced:
        return f"The client's own request of exchange {previous.id} said 'Connection: close'."
    return f"The response of exchange {previous.id} was HTTP/1.0 without keep-alive."


def _fate(scene: Scene) -> str:
    if scene.exchange.outcome == "complete":
        return ", which was answered all the same."
    return ", which got no complete answer."


def _evidence(scene: Scene, previous: Exchange) -> tuple[Evidence, ...]:
    found = []
    if previous.response is not None:
        found.append(
            Evidence(previous.response.packet, "the response after which the connection was to close")
        )
        if previous.response.last_packet != previous.response.packet:
            found.append(Evidence(previous.response.last_packet, "its last byte"))
    found.append(
        Evidence(scene.request.packet, f"the next request on the same connection, {words.run(scene.request)}")
    )
    close = scene.server_close
    if close is not None:
        found.append(Evidence(close.packet, f"{words.act(close)} from the server"))
    return tuple(found)


def _safe(scene: Scene) -> bool | None:
    if scene.exchange.outcome == "complete":
        return None
    close = scene.server_close
    unread = close is not None and close.ack is not None and close.ack <= scene.request.start
    return unread or scene.idempotent
