"""Rule unexplained: the exchange failed, and nothing known fits. The facts, and no accusation."""

from __future__ import annotations

from plainwire.model import Evidence, Side

from . import primitives, words
from .verdict import Scene, Verdict


def unexplained(scene: Scene) -> Verdict:
    """The verdict where every other rule has declined."""
    found = [Evidence(scene.request.packet, f"the request, {words.run(scene.request)}")]
    for close in scene.connection.closes:
        number = f"Seq={words.number(close.seq)}" + (
            "" if close.ack is None else f", Ack={words.number(close.ack)}"
        )
        found.append(
            Evidence(close.packet, f"{words.act(close)} from the {close.side.name.lower()}, {number}")
        )
    return Verdict(
        code="unexplained",
        connection=scene.connection,
        exchanges=(scene.exchange.id,),
        fault="unknown",
        certainty="possible",
        facts=_facts(scene),
        evidence=tuple(found[:8]),
        runner_up=_rival(scene),
        retry_safe=True if scene.idempotent else None,
        time_ns=scene.request.time_ns,
    )


def _facts(scene: Scene) -> str:
    close, response = scene.server_close, scene.exchange.response
    if response is not None and not response.status:
        return "What came back is no HTTP response (plainwire show tells what)."
    if close is None:
        return "The exchange has no complete response, and no side closed the connection in the capture."
    ack = primitives.last_ack(scene.connection, Side.SERVER, close)
    had = "nothing of the request" if ack is None or ack <= scene.request.start else "some of the request"
    if ack is not None and ack >= scene.request.end:
        had = "the whole request"
    return f"The connection ended with {words.act(close)} from the server's side; it had acknowledged {had}."


def _rival(scene: Scene) -> str:
    close = scene.server_close
    if close is not None and primitives.is_reactive(close):
        return (
            "a half-open connection, or a NAT that forgot it: a RST without ACK and without an earlier close "
            "fits both; only a capture at the server's side can tell"
        )
    return ""
