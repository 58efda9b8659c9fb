"""Resets that came in the server's name after a request, whoever sent them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.diagnose import wording
from plainwire.diagnose.evidence.acknowledgments import last_ack
from plainwire.diagnose.evidence.closes import is_reactive
from plainwire.model import Evidence, Side

if TYPE_CHECKING:
    from plainwire.diagnose.evidence import reset_sender
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import CloseEvent


def reset_after_request(failed: FailedExchange) -> CloseEvent | None:
    """The server's first act of closing, where it is a RST that came after the request."""
    close = failed.server_close
    if close is None or close.kind != "rst" or close.time_ns < failed.request.time_ns:
        return None
    return close


def unknown_to_sender(failed: FailedExchange, close: CloseEvent) -> bool:
    """Whether the reset answers the request as a packet of an unknown connection."""
    if not is_reactive(close) or failed.exchange.response is not None:
        return False
    acknowledged = last_ack(failed.connection, Side.SERVER, close)
    return acknowledged is None or acknowledged <= failed.request.start


def reset_evidence(
    failed: FailedExchange, close: CloseEvent, source: reset_sender.Origin | None
) -> tuple[Evidence, ...]:
    """The request, the reset, and its foreign marks."""
    number = f"Seq={wording.number(close.seq)}" + (
        "" if close.ack is None else f", Ack={wording.number(close.ack)}"
    )
    return (
        Evidence(failed.request.packet, f"the request, {wording.run(failed.request)}"),
        Evidence(close.packet, f"{wording.act(close)} in the server's name, {number}"),
        *(source.evidence if source is not None else ()),
    )
