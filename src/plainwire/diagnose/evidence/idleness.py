"""How long a connection had been idle, told by its packets: on HTTP/2 PINGs and other streams count too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from plainwire.arrays import np
from plainwire.model import RST, Side

from .acknowledgments import last_ack

if TYPE_CHECKING:
    from plainwire.model import CloseEvent, Connection


class Burst(Struct, frozen=True):
    """What the client sent first after a pause: its packet, where it begins in the stream.

    ``idle_ns``: since the last data of either side; a delayed acknowledgment is no activity.
    """

    packet: int
    start: int
    idle_ns: int


def burst_before(connection: Connection, packet: int) -> Burst | None:
    """The client's first data since the server was last heard of, up to and including ``packet``."""
    segments = connection.segments
    if segments is None:
        return None
    trusted = segments.flags & RST == 0
    heard = np.flatnonzero((segments.side == Side.SERVER) & trusted & (segments.number < packet))
    since = int(heard[-1]) if len(heard) else -1
    rows = np.arange(len(segments.number))
    mine = np.flatnonzero(
        (segments.side == Side.CLIENT) & (segments.length > 0) & (rows > since) & (segments.number <= packet)
    )
    if not len(mine) or not mine[0]:
        return None
    first = int(mine[0])
    data = segments.time_ns[:first][segments.length[:first] > 0]
    if not len(data):
        return None
    before = int(data.max())
    return Burst(int(segments.number[first]), int(segments.seq[first]), int(segments.time_ns[first]) - before)


def pause_before_reset(connection: Connection, reset: CloseEvent) -> Burst | None:
    """The client's data after a pause that ``reset`` answers, where its sender had received none of them."""
    burst = burst_before(connection, reset.packet)
    if burst is None:
        return None
    acknowledged = last_ack(connection, Side.SERVER, reset)
    return burst if acknowledged is None or acknowledged <= burst.start else None
