"""Rule client-stall: the client stopped reading the response, and the server gave up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.arrays import np
from plainwire.diagnose import wording
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import RST, Evidence, Side

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import CloseEvent, Connection


_SHUT_NS = 1_000_000_000
"""A window that was shut for less than a second is no stall: readers pause (RFC 9293 section 3.8.6.1 has
the first probe after one retransmission timeout, 200 ms or more)."""


def client_stall(failed: FailedExchange) -> Verdict | None:
    """A verdict where the client's window was shut for a second or more when the server ended a response."""
    return _stalled(failed, failed.server_close)


def client_stopped_reading(failed: FailedExchange) -> Verdict | None:
    """A verdict where the client ended a response whose rest it had not accepted for a second or more."""
    close = failed.first_close
    return _stalled(failed, close) if close is not None and close.side == Side.CLIENT else None


def _stalled(failed: FailedExchange, close: CloseEvent | None) -> Verdict | None:
    response = failed.exchange.response
    if response is None or response.complete or close is None or close.time_ns < response.last_ns:
        return None
    shut = _shut_since(failed.connection, close)
    if shut is None or close.time_ns - shut[1] < _SHUT_NS:
        return None
    who = "server" if close.side == Side.SERVER else "client"
    return Verdict(
        code="client-stall",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault="client",
        grounds=(Ground.INFERENCE,),
        facts=f"The client's window was zero for {wording.span(close.time_ns - shut[1])} before the {who} "
        f"ended the connection ({wording.act(close)}): its program had stopped reading, and the server could "
        "not send.",
        evidence=(
            Evidence(response.packet, f"the response begins, status {response.status}"),
            Evidence(shut[0], "the client says that it can take nothing more (window 0)"),
            Evidence(close.packet, f"{wording.act(close)} from the {who}"),
        ),
        runner_up="response-truncated by the server's own doing: refuted, it was not allowed to send",
        retry_safe=failed.idempotent,
        time_ns=failed.request.time_ns,
    )


def _shut_since(connection: Connection, close: CloseEvent) -> tuple[int, int] | None:
    """(packet, time) from which on the client said nothing but window zero, up to ``close``."""
    segments = connection.segments
    if segments is None:
        return None
    rows = np.flatnonzero(
        (segments.side == Side.CLIENT)
        & (segments.ack >= 0)
        & (segments.flags & RST == 0)
        & (segments.time_ns <= close.time_ns)
    )
    windows = segments.window[rows]
    if not len(rows) or windows[-1]:
        return None
    opened = np.flatnonzero(windows)
    first = rows[int(opened[-1]) + 1] if len(opened) else rows[0]
    return int(segments.number[first]), int(segments.time_ns[first])
