"""Rule h2-flow-control-stall: a sender waited for a window that was never opened again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import stream_name, stream_verdict
from plainwire.model import Evidence, Side

from .h2_dead_connection import LONG_ENOUGH_NS

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange, Verdict
    from plainwire.model import StreamEvent


_EXHAUSTED, _NEVER = "window exhausted", "never opened again"


def h2_flow_control_stall(failed: FailedExchange) -> Verdict | None:
    """A verdict where a sender had used its window up and was never given more (RFC 9113 section 5.2)."""
    if failed.exchange.protocol == "h3":
        return None
    exhausted = failed.traffic.events(failed.connection, _EXHAUSTED)
    stalled = next((e for e in exhausted if _holds(failed, e)), None)
    if stalled is None:
        return None
    sender = stalled.side
    waited = failed.given_up_ns - stalled.time_ns
    if waited < LONG_ENOUGH_NS:
        return None
    sent, asked = ("server", "client") if sender == Side.SERVER else ("client", "server")
    which = "the connection" if stalled.stream is None else stream_name(failed)
    unused = sender == Side.CLIENT and not failed.request.body_size
    what = (
        f"The window of {which} was closed from the start (the server's SETTINGS), so that the client could "
        "send nothing of its body"
        if unused
        else f"The {sent} had sent all that the window of {which} allowed"
    )
    return stream_verdict(
        failed,
        "h2-flow-control-stall",
        "client" if sender == Side.SERVER else "server",
        (Ground.SAID,),
        f"{what}, and the {asked} gave it no more (WINDOW_UPDATE) for {wording.span(waited)}, to the end.",
        Evidence(
            stalled.packet,
            "the request, whose body is to come"
            if unused
            else f"DATA from the {sent} that uses up the window of {which}",
        ),
        retry_safe=failed.idempotent,
        runner_up=f"a {sent} that had nothing to send: refuted, its stream had not ended and its window was "
        "0",
    )


def _holds(failed: FailedExchange, event: StreamEvent) -> bool:
    """Whether the event is about a window that kept this exchange from going on until it was over."""
    if _NEVER not in event.detail:
        return False
    if event.stream not in (None, failed.exchange.stream):
        return False
    response = failed.exchange.response
    if event.side == Side.SERVER:
        return response is not None and not response.complete and event.time_ns >= response.time_ns
    if failed.request.complete or event.time_ns < failed.request.time_ns:
        return False
    return bool(failed.request.body_size or failed.request.declared_size)  # else there may be nothing to send
