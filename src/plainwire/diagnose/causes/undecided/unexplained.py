"""Rule unexplained: the exchange failed, and nothing known fits. The facts, and no accusation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.acknowledgments import last_ack
from plainwire.diagnose.evidence.closes import is_reactive
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import Evidence, Side

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import Connection, Exchange


def unexplained(failed: FailedExchange) -> Verdict:
    """The verdict where every other rule has declined."""
    found = [Evidence(failed.request.packet, f"the request, {wording.run(failed.request)}")]
    for close in failed.connection.closes:
        number = f"Seq={wording.number(close.seq)}" + (
            "" if close.ack is None else f", Ack={wording.number(close.ack)}"
        )
        found.append(
            Evidence(close.packet, f"{wording.act(close)} from the {close.side.name.lower()}, {number}")
        )
    return Verdict(
        code="unexplained",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault="unknown",
        grounds=(Ground.GUESS,),
        facts=_facts(failed),
        evidence=tuple(found[:8]),
        runner_up=_rival(failed),
        retry_safe=True if failed.idempotent else None,
        time_ns=failed.request.time_ns,
    )


def not_judged(connection: Connection, exchange: Exchange) -> Verdict | None:
    """The verdict on one more that failed where too many did to look at each."""
    request = exchange.request
    if request is None or exchange.outcome in ("complete", "unseen"):
        return None
    return Verdict(
        code="unexplained",
        connection=connection,
        exchanges=(exchange.id,),
        fault="unknown",
        grounds=(Ground.GUESS,),
        facts="It failed as one of very many, and was not looked at by itself. What the findings say of the "
        "first ones may hold for it.",
        evidence=(Evidence(request.packet, f"the request, {wording.run(request)}"),),
        time_ns=request.time_ns,
    )


def _facts(failed: FailedExchange) -> str:
    close, response = failed.server_close, failed.exchange.response
    if response is not None and not response.status:
        return "What came back is no HTTP response (plainwire show tells what)."
    if close is None:
        return "The exchange has no complete response, and no side closed the connection in the capture."
    ack = last_ack(failed.connection, Side.SERVER, close)
    had = "nothing of the request" if ack is None or ack <= failed.request.start else "some of the request"
    if ack is not None and ack >= failed.request.end:
        had = "the whole request"
    if close.from_sockets:
        had += " by then, as the program's kernel tells; of what a RST acknowledges it tells nothing"
    return (
        f"The connection ended with {wording.act(close)} from the server's side; it had acknowledged {had}."
    )


def _rival(failed: FailedExchange) -> str:
    close = failed.server_close
    if close is not None and is_reactive(close):
        return (
            "a half-open connection, or a NAT that forgot it: a RST without ACK and without an earlier "
            "close fits both; only a capture at the server's side can tell"
        )
    return ""
