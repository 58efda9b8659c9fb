"""What rules about WebSockets have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire import plurals
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence, Side

if TYPE_CHECKING:
    from plainwire.diagnose.grounds import Grounds
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import Fault, Quoted, WebSocket

SIDES = {Side.CLIENT: "client", Side.SERVER: "server"}


def party(side: Side) -> Fault:
    """The side as the one at fault."""
    return "client" if side == Side.CLIENT else "server"


def traffic_words(websocket: WebSocket) -> str:
    """How much the WebSocket had carried."""
    sent, got = websocket.messages
    carried = plurals.some(sent + got, "message")
    return f"The WebSocket had carried {carried} ({sent} of the client, {got} of the server)."


def opening(failed: FailedExchange) -> tuple[Evidence, ...]:
    """The upgrade."""
    response = failed.exchange.response
    said = () if response is None else (Evidence(response.packet, "the server agrees: a WebSocket begins"),)
    return Evidence(failed.request.packet, "the request for a WebSocket"), *said


def websocket_verdict(
    failed: FailedExchange,
    code: str,
    fault: Fault,
    grounds: Grounds,
    facts: str,
    *evidence: Evidence,
    runner_up: str,
    quotes: tuple[Quoted, ...] = (),
    sender: Side | None = None,
    advice: tuple[str, str] = ("", ""),
) -> Verdict:
    """A verdict on the WebSocket, which cites its opening first; ``advice`` to the client and the server."""
    return Verdict(
        code=code,
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault=fault,
        grounds=grounds,
        facts=facts,
        evidence=(*opening(failed), *evidence),
        runner_up=runner_up,
        time_ns=failed.request.time_ns,
        quotes=quotes,
        sender=sender,
        advice_client=advice[0],
        advice_server=advice[1],
    )
