"""Rule conntrack-invalid-reset: the client's own host reset a connection that the program was using."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.arrays import np
from plainwire.diagnose import wording
from plainwire.diagnose.evidence.closes import client_first, is_reactive
from plainwire.diagnose.evidence.round_trip import SMALLEST_TELLING_RTT_NS
from plainwire.diagnose.grounds import Ground
from plainwire.diagnose.verdict import Verdict
from plainwire.model import RST, Evidence, Side

if TYPE_CHECKING:
    from plainwire.diagnose.verdict import FailedExchange
    from plainwire.model import CloseEvent, Connection


_SHARE_OF_TRIP = 0.5
"""A reset sooner than this share of the SYN's round trip came from nearer than the server (chosen)."""


def conntrack_invalid_reset(failed: FailedExchange) -> Verdict | None:
    """A verdict where a RST without ACK left the client's side for a valid segment of the server's.

    A program's own reset has an ACK. Without one the host answers for a connection that it does not know:
    its connection tracking did not undo the address translation of that segment. It is likely where the
    client's end went on using the connection.
    """
    close = client_first(failed.connection)
    if close is None or not is_reactive(close) or close.time_ns < failed.request.time_ns:
        return None
    provoking = _provoking(failed.connection, close)
    if provoking is None:
        return None
    packet, delay = provoking
    alive = _goes_on(failed.connection, close)
    nearby = failed.connection.rtt_syn_ns is not None and (
        failed.connection.rtt_syn_ns > SMALLEST_TELLING_RTT_NS
        and delay < _SHARE_OF_TRIP * failed.connection.rtt_syn_ns
    )
    if alive is None and not nearby:
        return None
    return Verdict(
        code="conntrack-invalid-reset",
        connection=failed.connection,
        exchanges=(failed.exchange.id,),
        fault="client" if nearby else "unknown",
        grounds=(Ground.INFERENCE,) if alive is not None else (Ground.GUESS,),
        facts=f"{wording.span(delay)} after a segment of the server's a RST without ACK left the client's "
        "side, which had not closed: a program's own reset has an ACK, so that its host answered for a "
        "connection that it did not recognise."
        + ("" if alive is None else " The client's end went on sending on the connection."),
        evidence=(
            Evidence(failed.request.packet, f"the request, {wording.run(failed.request)}"),
            Evidence(packet, "a segment of the server's, in order"),
            Evidence(
                close.packet, f"RST without ACK from the client's side, Seq={wording.number(close.seq)}"
            ),
            *(() if alive is None else (Evidence(alive, "the client's end goes on"),)),
        ),
        runner_up="client-abort: a program that closes sends close_notify, FIN or a RST with ACK, and none "
        "is in the capture",
        retry_safe=failed.idempotent,
        time_ns=failed.request.time_ns,
    )


def _provoking(connection: Connection, close: CloseEvent) -> tuple[int, int] | None:
    """The server's segment whose acknowledgment the RST repeats as its number, and the time between."""
    segments = connection.segments
    if segments is None:
        return None
    rows = np.flatnonzero(
        (segments.side == Side.SERVER)
        & (segments.length > 0)
        & (segments.ack == close.seq)
        & (segments.number < close.packet)
    )
    if not len(rows):
        return None
    return int(segments.number[rows[-1]]), close.time_ns - int(segments.time_ns[rows[-1]])


def _goes_on(connection: Connection, close: CloseEvent) -> int | None:
    """The client's first segment after its supposed reset that is not a reset."""
    segments = connection.segments
    if segments is None:
        return None
    rows = np.flatnonzero(
        (segments.side == Side.CLIENT)
        & (segments.number > close.packet)
        & (segments.flags & RST == 0)
        & (segments.ack >= 0)
    )
    return int(segments.number[rows[0]]) if len(rows) else None
