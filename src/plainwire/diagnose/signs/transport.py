"""Signs of TCP and IP: resets, closes, connections that were never established, silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.arrays import np
from plainwire.diagnose.evidence.acknowledgments import last_ack
from plainwire.diagnose.evidence.ends import on_one_host, syns_of
from plainwire.diagnose.evidence.round_trip import shortest_rtt
from plainwire.model import ACK, FIN, IDLE_RESET, RST, SYN, Side

from .kinds import STOPPED, sign

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.model import CloseEvent, Connection, Segments, Sign

    from .background import Background

_LONG_NS = 1_000_000_000
"""How long a window must be closed to be worth a word: a receiver that is busy opens it sooner."""
_SENDINGS = 3
"""The first retransmission may be spurious (RFC 6298 section 5)."""
_UNDER_WAY_NS = 3_000_000_000
"""A SYN is sent again after 1 s and 3 s (RFC 6298 section 2); before that its fate is open."""
_SECOND_FAMILY_NS = 2_000_000_000
"""RFC 8305 section 5 lets the next address be tried after 250 ms, or at most 2 s."""
_STARTING_NS = 60_000_000_000
"""Who waits for a server tries until it is there."""
_CLOSING_BYTES = 128
"""A close_notify and a last frame or two of HTTP/2, each in a record: what crosses the other side's close."""


def signs(connection: Connection, background: Background) -> Iterator[Sign]:
    """Signs of one connection's transport."""
    if connection.transport != "tcp":
        yield from _icmp(connection)
        return
    if not connection.established and not connection.mid_stream:
        yield from _connect(connection, background)
        return
    yield from _icmp(connection)
    if _readable(connection) and not background.is_spare(connection):
        yield from _resets(connection)
        yield from _outstanding(connection)
    if max(connection.retransmissions) >= _SENDINGS - 1:
        yield from _silence(connection)
    if connection.last_ns - connection.opened_ns >= _LONG_NS:
        yield from _windows(connection)


def _connect(connection: Connection, background: Background) -> Iterator[Sign]:
    mine, _ = syns_of(connection)
    if not mine:
        return
    packets = [*(syn.packet for syn in mine), *(close.packet for close in connection.closes[:1])]
    packets += [error.packet for error in connection.icmp_errors]
    reason = ""
    if (
        background.ended_ns - mine[0].time_ns < _UNDER_WAY_NS
        and not connection.closes
        and not connection.icmp_errors
    ):
        reason = "the capture ended before an answer could have come"
    elif _was_starting(connection, background):
        reason = "the server on this host was only being started"
    elif _other_family(connection, background):
        reason = "the client used the other of the host's two address families instead (RFC 8305)"
    yield sign("connect-failed", connection.id, *packets, harmless=reason)


def _was_starting(connection: Connection, background: Background) -> bool:
    """Whether a server on this host accepted its first connection soon after it refused this one."""
    first = background.first_established.get(connection.server)
    return first is not None and on_one_host(connection) and 0 <= first - connection.opened_ns <= _STARTING_NS


def _other_family(connection: Connection, background: Background) -> bool:
    """Whether the client had a connection to the same port over the other IP version within two seconds."""
    server = connection.server
    return background.opened_over(
        six=":" not in server.address,
        port=server.port,
        near_ns=connection.opened_ns,
        within_ns=_SECOND_FAMILY_NS,
    )


def _icmp(connection: Connection) -> Iterator[Sign]:
    for error in connection.icmp_errors:
        reason = ""
        if _all_complete(connection):
            reason = "everything was answered completely all the same"
        yield sign("icmp-error", connection.id, error.packet, harmless=reason)


def _resets(connection: Connection) -> Iterator[Sign]:
    seen: set[Side] = set()
    for close in connection.closes:
        if close.kind == "rst" and close.side not in seen:
            seen.add(close.side)
            kind = "reset-by-client" if close.side is Side.CLIENT else "reset-by-server"
            yield sign(kind, connection.id, close.packet, harmless=_why_harmless(connection, close))


def _readable(connection: Connection) -> bool:
    """Whether a reset says something here: what other protocols mean by one nobody knows."""
    if connection.exchanges:
        unseen = any(exchange.outcome == "unseen" for exchange in connection.exchanges)
        return not (unseen and (connection.gaps or connection.undecrypted))
    if connection.mid_stream or connection.gaps or connection.snapped:
        return False
    return connection.tls is not None or not any(connection.sizes)


def _little_came_after(connection: Connection, close: CloseEvent) -> bool:
    """Whether the other side sent no more after ``close`` than what goes with its own.

    What the close acknowledges came before it, wherever two captures' clocks put it.
    """
    segments = connection.segments
    if segments is None:
        return True
    behind = (segments.side == close.side.peer) & (segments.number > close.packet)
    if close.ack is not None:
        behind &= segments.seq + segments.length > close.ack
    return int(segments.length[behind].sum()) <= _CLOSING_BYTES


def _why_harmless(connection: Connection, reset: CloseEvent) -> str:
    before = [c for c in connection.closes if (c.time_ns, c.packet) < (reset.time_ns, reset.packet)]
    if connection.exchanges and not _all_complete(connection):
        by_client = reset.side is Side.CLIENT or any(close.side is Side.CLIENT for close in before)
        return STOPPED if by_client and _was_stopped(connection) else ""
    if any(close.side is not reset.side and close.kind != "alert" for close in before):
        return "the other side had closed the connection already"
    # A FIN behind a RST of the same side was captured out of order.
    kinds = ("fin", "close_notify")
    own = next((c for c in connection.closes if c.side is reset.side and c.kind in kinds), None)
    if own is not None and (connection.exchanges or _little_came_after(connection, own)):
        return "its sender had closed the connection already"
    if connection.unseen_fins[reset.side]:
        return "its sender had closed the connection already, by a FIN that the capture lacks"
    if not connection.exchanges and not _nothing_outstanding(connection, reset):
        return ""
    return "the client's reset when nothing was outstanding" if reset.side is Side.CLIENT else IDLE_RESET


def _was_stopped(connection: Connection) -> bool:
    """Whether all that is not complete was under way when the user stopped the program."""
    return all(e.outcome == "complete" or e.stopped for e in connection.exchanges)


def _all_complete(connection: Connection) -> bool:
    return bool(connection.exchanges) and all(e.outcome == "complete" for e in connection.exchanges)


def _nothing_outstanding(connection: Connection, reset: CloseEvent) -> bool:
    """Whether each side had acknowledged what the other sent, and the last word was an answer.

    Told by numbers, not by the order of packets, which is the capture's. What had left a round trip before
    its sender's reset had arrived, acknowledged or not.
    """
    segments = connection.segments
    if segments is None or not connection.sizes[Side.SERVER]:
        return False
    few = all(
        _unacknowledged(connection, side) <= _CLOSING_BYTES
        or (side is reset.side and _had_arrived(connection, segments, reset))
        for side in Side
    )
    return few and _answered_last(segments)


def _had_arrived(connection: Connection, segments: Segments, reset: CloseEvent) -> bool:
    trip, mine = shortest_rtt(connection), (segments.side == reset.side) & (segments.length > 0)
    return trip is not None and int(segments.time_ns[mine].max(initial=0)) + trip <= reset.time_ns


def _answered_last(segments: Segments) -> bool:
    """Whether the server sent its last segment, small things apart, when it had all that the client sent."""
    said = [(segments.side == side) & (segments.length > _CLOSING_BYTES) for side in Side]
    if not said[Side.SERVER].any():
        return False
    asked = int((segments.seq + segments.length)[said[Side.CLIENT]].max(initial=0))
    return int(segments.ack[said[Side.SERVER]].max()) >= asked


def _unacknowledged(connection: Connection, side: Side) -> int:
    """Bytes of ``side`` that the other one never acknowledged."""
    return max(0, connection.sizes[side] - (last_ack(connection, side.peer) or 0))


def _outstanding(connection: Connection) -> Iterator[Sign]:
    """A FIN that crossed data, on connections whose exchanges cannot be read."""
    first = connection.closes[0] if connection.closes else None
    if first is None or first.kind != "fin" or connection.exchanges:
        return
    if _unacknowledged(connection, first.side.peer) > _CLOSING_BYTES:
        yield sign("close-with-data-outstanding", connection.id, first.packet)


def _silence(connection: Connection) -> Iterator[Sign]:
    """The same bytes sent three times and more at the connection's end, with no acknowledgment of them."""
    segments = connection.segments
    if segments is None:
        return
    for side in Side:
        mine = np.flatnonzero((segments.side == side) & (segments.length > 0))
        if not len(mine):
            continue
        known = last_ack(connection, side.peer)
        if known is None:
            continue
        stuck = mine[segments.seq[mine] + segments.length[mine] > known]
        again = stuck[segments.seq[stuck] <= known]
        if len(again) >= _SENDINGS:
            packets = segments.number[again].tolist()
            left = any(close.side is side.peer and close.packet < packets[0] for close in connection.closes)
            reason = "the other side had closed the connection already" if left else ""
            yield sign("silence-after-retransmissions", connection.id, *packets, harmless=reason)


def _windows(connection: Connection) -> Iterator[Sign]:
    """A receiver whose window is closed for a second and more while its peer has more to send."""
    segments = connection.segments
    if segments is None:
        return
    closed = (segments.window == 0) & (segments.flags & (SYN | RST | FIN) == 0) & (segments.flags & ACK != 0)
    if not closed.any():
        return
    for side in Side:
        rows = np.flatnonzero((segments.side == side) & (segments.flags & (SYN | RST) == 0))
        shut = np.flatnonzero(segments.window[rows] == 0)
        if not len(shut):
            continue
        first = rows[shut[0]]
        later = rows[(rows > first) & (segments.window[rows] > 0)]
        end = int(segments.time_ns[later[0]]) if len(later) else connection.last_ns
        if end - int(segments.time_ns[first]) >= _LONG_NS:
            yield sign("window-closed", connection.id, int(segments.number[first]))
