"""Rule unsolicited-408: a response that was written before the server had any byte of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.model import Evidence, Response

from . import primitives, words
from .verdict import Scene, Verdict

if TYPE_CHECKING:
    from plainwire.model import CloseEvent

SUSPECT_STATUSES = (408, 400)
"""What servers and load balancers write onto a connection on which no request came."""


def unsolicited_408(scene: Scene) -> Verdict | None:
    """A verdict where this response, or the one before it, answers nothing that the server had received."""
    before = scene.previous
    if before is not None and before.request is None and scene.exchange.outcome != "complete":
        return _verdict(scene, before.response, (before.id, scene.exchange.id), "before the request was sent")
    response = scene.exchange.response
    if response is None or response.status not in SUSPECT_STATUSES:
        return None
    ack = primitives.ack_at(scene.connection, response.packet)
    if ack is None or ack > scene.request.start:
        return None
    says = f"acknowledging up to {words.number(ack)}: not one byte of the request had arrived at the server"
    return _verdict(scene, response, (scene.exchange.id,), says)


def _verdict(scene: Scene, response: Response | None, exchanges: tuple[int, ...], how: str) -> Verdict | None:
    if response is None:
        return None
    close = scene.server_close
    late = [] if close is None else [Evidence(close.packet, f"{words.act(close)} from the server")]
    return Verdict(
        code="unsolicited-408",
        connection=scene.connection,
        exchanges=exchanges,
        fault="server",
        certainty="proved",
        facts=f"The server wrote status {response.status} {how}. The client took it, or could take it, for "
        "the answer to its request.",
        evidence=(
            Evidence(response.packet, f"the response, status {response.status}, {how}"),
            Evidence(scene.request.packet, f"the request, {words.run(scene.request)}"),
            *late,
        ),
        runner_up="a real answer to the request: refuted, the server had received nothing of it",
        retry_safe=scene.idempotent or _never_read(scene, close),
        time_ns=scene.request.time_ns,
    )


def _never_read(scene: Scene, close: CloseEvent | None) -> bool:
    """Whether the server's close shows that it had no byte of the request to the end."""
    return close is not None and close.ack is not None and close.ack <= scene.request.start
