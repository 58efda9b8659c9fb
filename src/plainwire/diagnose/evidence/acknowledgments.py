"""What was acknowledged, what was sent, and what the capture lacks of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.arrays import np

if TYPE_CHECKING:
    from plainwire.model import CloseEvent, Connection, Gap, Segments, Side


def ack_at(connection: Connection, packet: int) -> int | None:
    """What the segment in ``packet`` acknowledges; None without it among the segments kept."""
    segments = connection.segments
    if segments is None:
        return None
    rows = np.flatnonzero(segments.number == packet)
    if not len(rows) or segments.ack[rows[0]] < 0:
        return None
    return int(segments.ack[rows[0]])


def acknowledges(connection: Connection, packet: int, offset: int) -> bool:
    """Whether the segment in ``packet`` acknowledges its peer's byte at ``offset``: its sender had it.

    Captures put packets into another order than they had; numbers do not change places.
    """
    known = ack_at(connection, packet)
    return known is not None and known > offset


def first_ack(connection: Connection, side: Side, offset: int) -> tuple[int, int] | None:
    """(packet, time) of the first segment of ``side`` that acknowledges its peer's stream up to ``offset``.

    None where no segment kept does.
    """
    segments = connection.segments
    if segments is None:
        return None
    rows = np.flatnonzero((segments.side == side) & (segments.ack >= offset))
    return (int(segments.number[rows[0]]), int(segments.time_ns[rows[0]])) if len(rows) else None


def last_ack(connection: Connection, side: Side, until: CloseEvent | None = None) -> int | None:
    """The largest acknowledgment ``side`` sent, up to and including the segment of ``until``."""
    segments = connection.segments
    known = [until.ack] if until is not None and until.side == side and until.ack is not None else []
    if segments is not None:
        rows = (segments.side == side) & (segments.ack >= 0)
        if until is not None:
            rows &= segments.time_ns <= until.time_ns
        if rows.any():
            known.append(int(segments.ack[rows].max()))
    return max(known, default=None)


def unseen_bytes(connection: Connection, side: Side) -> int:
    """How many bytes of ``side`` the other one acknowledged that the capture does not hold."""
    acknowledged = last_ack(connection, side.peer)
    if acknowledged is None:
        return 0
    seen = max(connection.sizes[side], _highest(connection.segments, side))
    return max(0, acknowledged - seen - 1)  # a FIN takes one number of its own


def missing_before(connection: Connection, close: CloseEvent) -> int:
    """How many bytes its sender had sent before ``close`` that the capture does not hold."""
    seen = max(connection.sizes[close.side], _highest(connection.segments, close.side))
    fin = any(c.kind == "fin" and c.side == close.side for c in connection.closes)
    return max(0, close.seq - seen - (1 if fin else 0))


def _highest(segments: Segments | None, side: Side) -> int:
    if segments is None:
        return 0
    rows = (segments.side == side) & (segments.length > 0)
    return int((segments.seq[rows] + segments.length[rows]).max()) if rows.any() else 0


def sent_ns(connection: Connection, side: Side, offset: int) -> int | None:
    """When the byte before ``offset`` left ``side`` for the first time; None where no segment kept says."""
    segments = connection.segments
    if segments is None:
        return None
    rows = np.flatnonzero(
        (segments.side == side) & (segments.seq < offset) & (segments.seq + segments.length >= offset),
    )
    return int(segments.time_ns[rows[0]]) if len(rows) else None


def packet_at(connection: Connection, side: Side, offset: int) -> int | None:
    """The packet that first brought the byte at ``offset``; None where no segment kept did."""
    segments = connection.segments
    if segments is None:
        return None
    rows = np.flatnonzero(
        (segments.side == side) & (segments.seq <= offset) & (segments.seq + segments.length > offset),
    )
    return int(segments.number[rows[0]]) if len(rows) else None


def never_arrived(connection: Connection, gap: Gap) -> bool:
    """Whether the receiver did not get the bytes of ``gap`` either: then the capture did not lose them.

    It goes on acknowledging and never gets beyond the hole, although more came behind it.
    """
    segments = connection.segments
    if segments is None:
        return False
    behind = (segments.side == gap.side.peer) & (segments.number > gap.packet) & (segments.ack >= 0)
    return bool(behind.any()) and last_ack(connection, gap.side.peer) == gap.offset
