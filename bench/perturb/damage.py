"""What a capture can do to traffic that was healthy: each function yields (what was done, the packets).

Packets are rows of a ``PacketBatch``: a variant picks rows, orders them, cuts them, or moves their times; the
bytes are shared. Everything is the same on every run.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from plainwire.model import Int64s, PacketBatch

    Variants = Iterator[tuple[str, PacketBatch]]

MOST_LOST, MOST_CUTS = 60, 30
"""Packets of a unit that are lost, and places where its capture begins or ends, spread evenly."""
SNAP_LENGTHS = (54, 68, 96, 128, 200, 256, 400, 512, 1000, 1400)
"""Headers only, tcpdump's defaults of old, and what people set to save space."""
CLOCK_SHIFTS_NS = (150_000, 2_000_000, 40_000_000, 700_000_000)
"""How far the clock of one capture may be from that of the other whose packets are merged with its own."""
COPY_DELAYS_NS = (0, 3_000, 80_000)
"""How long after a packet its copy is seen on another interface."""
SHUFFLES = 6
REACH, REACH_NS = 3, 100_000_000
"""How many places a packet may come too late, and among packets how near in time."""


def lost(packets: PacketBatch, _server: Int64s) -> Variants:
    """One packet that the capture does not have."""
    for row in _spread(len(packets.number), MOST_LOST):
        yield f"lost:{row}", pick(packets, np.delete(np.arange(len(packets.number)), row))


def cut(packets: PacketBatch, _server: Int64s) -> Variants:
    """Packets cut by a snap length."""
    for length in SNAP_LENGTHS:
        if (packets.caplen > length).any():
            yield f"cut:{length}", replace(packets, caplen=np.minimum(packets.caplen, length))


def late(packets: PacketBatch, _server: Int64s) -> Variants:
    """A capture that begins when the traffic is under way."""
    for row in _spread(len(packets.number), MOST_CUTS):
        if row:
            yield f"late:{row}", pick(packets, np.arange(row, len(packets.number)))


def early(packets: PacketBatch, _server: Int64s) -> Variants:
    """A capture that ends before the traffic does."""
    for row in _spread(len(packets.number), MOST_CUTS):
        if row:
            yield f"early:{row}", pick(packets, np.arange(row))


def one_sided(packets: PacketBatch, server: Int64s) -> Variants:
    """One direction only, as behind asymmetric routes or a mirror port of one direction."""
    for name, rows in (("client", server == 0), ("server", server == 1)):
        if rows.any() and not rows.all():
            yield f"one-sided:{name}", pick(packets, np.flatnonzero(rows))


def twice(packets: PacketBatch, _server: Int64s) -> Variants:
    """Every packet twice, as with tcpdump -i any on a bridge."""
    count = len(packets.number)
    rows = np.concatenate([np.arange(count), np.arange(count)])
    for delay in COPY_DELAYS_NS:
        times = packets.time_ns[rows]
        times[count:] += delay
        order = np.lexsort((np.arange(2 * count), times))
        yield f"twice:{delay}", pick(packets, rows[order], times[order])


def shifted(packets: PacketBatch, server: Int64s) -> Variants:
    """Each direction captured elsewhere, by clocks that differ; merged by their times."""
    for shift in CLOCK_SHIFTS_NS:
        for name, sign in (("behind", -1), ("ahead", 1)):
            times = packets.time_ns + sign * shift * (server == 1)
            order = np.argsort(times, kind="stable")
            yield f"shifted:{name}:{shift}", pick(packets, order, times[order])


def reordered(packets: PacketBatch, _server: Int64s) -> Variants:
    """Packets that the capture took in another order, by up to three places.

    With their own times, as several queues of one network card do, or with times of the new order.
    """
    runs = np.cumsum(np.diff(packets.time_ns, prepend=packets.time_ns[:1]) > REACH_NS)
    for seed in range(SHUFFLES):
        draw = random.Random(seed)
        places = np.array([place + draw.uniform(0, REACH) for place in range(len(runs))])
        order = np.lexsort((places, runs))
        yield f"reordered:own-times:{seed}", pick(packets, order)
        yield f"reordered:{seed}", pick(packets, order, packets.time_ns)


KINDS: dict[str, Callable[[PacketBatch, Int64s], Variants]] = {
    "lost": lost,
    "cut": cut,
    "late": late,
    "early": early,
    "one-sided": one_sided,
    "twice": twice,
    "shifted": shifted,
    "reordered": reordered,
}


def pick(packets: PacketBatch, rows: Int64s, times: Int64s | None = None) -> PacketBatch:
    """The packets of these rows, numbered anew."""
    return replace(
        packets,
        number=np.arange(1, len(rows) + 1),
        time_ns=packets.time_ns[rows] if times is None else times,
        offset=packets.offset[rows],
        caplen=packets.caplen[rows],
        length=packets.length[rows],
        link=packets.link[rows],
    )


def _spread(count: int, most: int) -> list[int]:
    """At most ``most`` of ``count`` places, first and last among them."""
    if count <= most:
        return list(range(count))
    return sorted({round(place * (count - 1) / (most - 1)) for place in range(most)})
