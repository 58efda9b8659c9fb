"""Which sizes of segments passed between a server and its clients: what tells that large ones vanish."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.arrays import np
from plainwire.diagnose.evidence.acknowledgments import last_ack
from plainwire.model import RST, Side

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.model import Connection, Segments


BIG = 1000
"""A segment with fewer bytes fits through any path's smallest packet."""


class Sizes(Struct, frozen=True):
    """Of all connections of a server: the largest segment of a client's that was acknowledged, the largest
    that came from the server, in bytes, and on how many connections something of the server's never came.
    """

    acknowledged: int
    from_server: int
    never_came: int


def of(connections: Sequence[Connection]) -> Sizes:
    """Look at every segment that is kept."""
    return Sizes(
        max(map(_largest_acknowledged, connections), default=0),
        max(map(_largest_from_server, connections), default=0),
        sum(never_came(connection, 0) is not None for connection in connections),
    )


def never_came(connection: Connection, after: int) -> tuple[int, int, int] | None:
    """The packet by which the server's numbers had gone on, by how many bytes, how long it had been silent.

    None where the client has all, or the server had not acknowledged the client's stream up to ``after``.
    """
    segments = connection.segments
    had = last_ack(connection, Side.CLIENT)
    known = last_ack(connection, Side.SERVER)
    if segments is None or had is None or known is None or known < after:
        return None
    ahead = np.flatnonzero(
        (segments.side == Side.SERVER) & (segments.seq > had) & (segments.flags & RST == 0)
    )
    gone = np.flatnonzero((segments.side == Side.CLIENT) & (segments.flags & RST != 0))
    if len(gone):
        ahead = ahead[ahead < gone[0]]  # a client that reset acknowledges nothing that comes after
    if not len(ahead) or (segments.length[ahead] > BIG).any():
        return None
    before = np.flatnonzero((segments.side == Side.SERVER) & (segments.seq <= had))
    row = int(ahead[-1])
    if not _missing(segments, had, int(segments.seq[row])):
        return None  # they came, and the capture has not what the client said of them
    since = int(segments.time_ns[before[-1]]) if len(before) else connection.opened_ns
    return int(segments.number[row]), int(segments.seq[row]) - had, int(segments.time_ns[row]) - since


def _missing(segments: Segments, start: int, end: int) -> bool:
    """Whether bytes of the server's between two numbers are in no segment."""
    rows = np.flatnonzero((segments.side == Side.SERVER) & (segments.length > 0) & (segments.seq < end))
    for row in rows[np.argsort(segments.seq[rows], kind="stable")]:
        if segments.seq[row] > start:
            return True
        start = max(start, int(segments.seq[row] + segments.length[row]))
    return start < end


def _largest_from_server(connection: Connection) -> int:
    segments = connection.segments
    if segments is None:
        return 0
    lengths = segments.length[segments.side == Side.SERVER]
    return int(lengths.max()) if len(lengths) else 0


def _largest_acknowledged(connection: Connection) -> int:
    segments = connection.segments
    known = last_ack(connection, Side.SERVER)
    if segments is None or known is None:
        return 0
    rows = (segments.side == Side.CLIENT) & (segments.seq + segments.length <= known)
    return int(segments.length[rows].max()) if rows.any() else 0
