"""Answers that came when the client had gone.

The capture then holds the whole response and its exchange looks complete, but the program got nothing of
it: the client had closed (its timeout was shorter than the server's time), or its stack had dropped the
connection at a forged reset, of which the server knows nothing and so goes on sending.

A client that only closed its own direction still takes what comes, and acknowledges it: that is no
departure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from plainwire.diagnose.thresholds import PATIENCE_NS
from plainwire.model import Side

from .acknowledgments import last_ack
from .closes import client_first
from .exchanges import ERROR_STATUS, REDIRECTS

if TYPE_CHECKING:
    from plainwire.model import CloseEvent, Connection, Exchange, Response

_SENT_IN_VAIN = 2
"""Segments that went out again, before it counts as lost (chosen)."""
_ACKNOWLEDGED_WITHIN_NS = 500_000_000
"""A host acknowledges what it got within this time (RFC 9293 section 3.8.6.3)."""


def departure(connection: Connection) -> CloseEvent | None:
    """The close after which the client may have taken nothing more; None where there is no such thing."""
    client = client_first(connection)
    if client is not None:
        return client
    for close in connection.closes:
        if close.kind == "rst" and close.side == Side.SERVER and close.seq < connection.sizes[Side.SERVER]:
            return close
    return None


def too_late(connection: Connection, response: Response, left: CloseEvent | None) -> bool:
    """Whether the end of the response came after the client had left, and its stack did not take it."""
    if left is None:
        return False
    if response.last_ns <= left.time_ns:
        return _never_reached(connection, response, left)
    if left.side == Side.SERVER and response.end <= left.seq:
        return False  # packets that changed places: these bytes were sent before the reset
    if response.whole_at is not None and response.whole_at <= (left.time_ns, left.packet):
        return False  # only the end of the stream came later, after all the bytes that were announced
    if left.kind == "close_notify" and left.detail:
        return True  # Java says so when it ends both directions, though its kernel takes what still comes
    taken = last_ack(connection, Side.CLIENT)
    return taken is not None and taken < response.end


def _never_reached(connection: Connection, response: Response, left: CloseEvent) -> bool:
    """Whether the client's close says that it had not got what the server sent several times before.

    A capture is taken ahead of the host's packet filter, and may be one of the server's side.
    """
    return (
        left.side == Side.CLIENT
        and left.ack is not None
        and left.ack < response.end
        and connection.retransmissions[Side.SERVER] >= _SENT_IN_VAIN
        and left.time_ns - response.last_ns >= _ACKNOWLEDGED_WITHIN_NS
    )


def as_the_client_saw(connection: Connection, exchange: Exchange) -> Exchange:
    """The exchange without what came too late; itself where nothing did."""
    response, left = exchange.response, departure(connection)
    if response is None or left is None or not too_late(connection, response, left):
        return exchange
    reached = left.ack is None or left.ack > response.start or response.last_ns > left.time_ns
    if response.time_ns <= left.time_ns and reached:
        cut = replace(response, complete=False)
        return replace(exchange, response=cut, outcome="aborted" if left.side == Side.CLIENT else "truncated")
    return replace(exchange, response=None, outcome="aborted" if left.side == Side.CLIENT else "unanswered")


def left_on_status(connection: Connection, exchange: Exchange) -> bool:
    """Whether the client left as soon as it had the status of an error or of a redirect, and not the page.

    ``curl -f``, Go's ``Body.Close`` and others do so: the status decided, and what was cut is nobody's loss.
    """
    request, response, reset = exchange.request, exchange.response, exchange.reset
    if request is None or response is None or not request.complete or exchange.outcome == "unseen":
        return False
    if response.defects or not (response.status >= ERROR_STATUS or response.status in REDIRECTS):
        return False
    if reset is not None:
        return reset.side == Side.CLIENT and 0 <= reset.time_ns - response.time_ns < PATIENCE_NS
    left = client_first(connection)
    if left is None or (exchange.outcome == "complete" and not too_late(connection, response, left)):
        return False
    return 0 <= left.time_ns - response.time_ns < PATIENCE_NS
