"""When a recorder cannot keep up: whole connections are left out, and not packets at random.

The kernel then captures a share of all flows (``capture.kernel_filter``), half of them, a quarter, and so on,
until nothing is dropped any more. Which flows those are is told by their addresses and ports alone. So
whoever looks at the time around such a change knows which flows were there all the time, and looks at no
others: nobody is accused for what was not captured.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, TypeVar

from plainwire.arrays import np
from plainwire.capture.kernel_filter import (
    ADDRESS_FACTOR,
    LARGEST_SHEDDING,
    NEVER_SHED,
    NUMBER_SHIFT,
    PORT_FACTOR,
)
from plainwire.model import Endpoint, PacketBatch
from plainwire.packets.decode import Decoder
from plainwire.recorder.carried import parsed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from plainwire.model import CaptureItem, DatagramBatch, Int64s, SegmentBatch
    from plainwire.recorder.ring import RingSegment

_EFFECT = 1.0
"""Seconds until a smaller share shows: what is in the kernel's ring comes all the same."""
_CALM = 30.0
"""Seconds without a drop after which twice as many flows are tried."""
_LONGEST_CALM = 600.0
_WORD = 0xFFFFFFFF


class Shedding:
    """Decides what share is captured. ``level`` n: one flow in ``2**n``."""

    def __init__(self) -> None:
        self.level = 0
        self._lost = 0
        self._calm = _CALM
        self._changed = self._troubled = self._lowered = float("-inf")

    def judge(self, lost: int, now: float) -> int:
        """The level from now on. ``lost``: packets so far that were dropped, or for which there was no room;
        ``now``: seconds, monotonic.
        """
        if lost > self._lost:
            self._lost, self._troubled = lost, now
            if now - self._changed >= _EFFECT and self.level < LARGEST_SHEDDING:
                if now - self._lowered < 2 * _CALM:  # it was tried too early
                    self._calm = min(2 * self._calm, _LONGEST_CALM)
                self.level, self._changed = self.level + 1, now
        elif self.level and now - max(self._troubled, self._changed) >= self._calm:
            self.level, self._changed, self._lowered = self.level - 1, now, now
        return self.level


def words(level: int) -> str:
    """What is told of a change to this level."""
    if not level:
        return "all connections are recorded again"
    return f"it cannot keep up: from now on one connection in {1 << level} is recorded, and those as a whole"


def note(level: int) -> str:
    """What a case says of it."""
    return (
        f"The recorder could not keep up in that time: one connection in {1 << level}, as addresses and "
        "ports decide, is in the case as a whole, and nothing of the others."
    )


def level_of(segments: Iterable[RingSegment]) -> int:
    """The level at which all was captured that is to be looked at."""
    return max((each.shed for each in segments), default=0)


def share_of(segments: Iterable[RingSegment]) -> CapturedFlows | None:
    """The flows that were captured in all of their time; None where all were."""
    level = level_of(segments)
    return CapturedFlows(level) if level else None


class CapturedFlows:
    """The flows that are captured at a level, and which of some packets are theirs."""

    def __init__(self, level: int) -> None:
        self._mask = (1 << level) - 1
        self._decoder = Decoder()
        self._folded: list[int] = []
        self._ports: list[int] = []

    def of(self, items: Iterable[CaptureItem]) -> Iterator[CaptureItem]:
        """What was captured, without packets of other flows. Numbers stay those of the file."""
        for item in items:
            yield self._part(item, self.rows(item)) if isinstance(item, PacketBatch) else item

    @staticmethod
    def _part(batch: PacketBatch, rows: Int64s) -> PacketBatch:
        columns = (batch.number, batch.time_ns, batch.offset, batch.caplen, batch.length, batch.link)
        return PacketBatch(batch.data, *(column[rows] for column in columns))

    def flags(self, items: Iterable[CaptureItem]) -> bytearray:
        """A byte for each packet of a file: whether it stays."""
        flags = bytearray()
        for item in items:
            if isinstance(item, PacketBatch):
                stays = np.zeros(len(item.number), dtype=np.uint8)
                stays[self.rows(item)] = 1
                flags += stays.tobytes()
        return flags

    def rows(self, batch: PacketBatch) -> Int64s:
        """The rows of packets that are of these flows, or of none."""
        decoded = self._decoder.decode(batch)
        shed = [self._shed(each) for each in (decoded.segments, decoded.datagrams) if each is not None]
        shed.append(
            np.array(
                [each.packet for each in decoded.errors if not self.has(each.source, each.target)], np.int64
            )
        )
        return np.flatnonzero(~np.isin(batch.number, np.concatenate(shed)))

    def _shed(self, batch: SegmentBatch | DatagramBatch) -> Int64s:
        self._note(batch.endpoints)
        folded, ports = np.array(self._folded, np.int64), np.array(self._ports, np.int64)
        source, target = batch.source, batch.target
        numbers = _number(folded[source] ^ folded[target], ports[source] ^ ports[target])
        never = np.isin(ports, NEVER_SHED)
        return batch.number[(numbers & self._mask).astype(bool) & ~never[source] & ~never[target]]

    def _note(self, endpoints: Sequence[Endpoint]) -> None:
        for at in range(len(self._folded), len(endpoints)):
            self._folded.append(_folded(endpoints[at].address))
            self._ports.append(endpoints[at].port)

    def has_event(self, line: bytes) -> bool:
        """Whether an event of the program's is of these flows, or of none that is known."""
        event = parsed(line)
        local, peer = (_endpoint(event.get(name)) for name in ("local", "peer"))
        return local is None or peer is None or self.has(local, peer)

    def has(self, one: Endpoint, other: Endpoint) -> bool:
        """Whether the flow between these two is captured."""
        if one.port in NEVER_SHED or other.port in NEVER_SHED:
            return True
        number = _number(_folded(one.address) ^ _folded(other.address), one.port ^ other.port)
        return not number & self._mask


def _endpoint(text: object) -> Endpoint | None:
    """One that is written as ``ip:port``; None where the address is not known."""
    address, _, port = str(text).rpartition(":")
    try:
        known = not ipaddress.ip_address(address := address.strip("[]").partition("%")[0]).is_unspecified
        return Endpoint(address, int(port)) if known else None
    except ValueError:
        return None


_Number = TypeVar("_Number", int, "Int64s")


def _number(folded: _Number, ports: _Number) -> _Number:
    """The number of a flow, or of many, in words of 32 bits as the kernel computes it."""
    mixed = (ports * PORT_FACTOR & _WORD) ^ folded
    return (mixed * ADDRESS_FACTOR & _WORD) >> NUMBER_SHIFT


def _folded(address: str) -> int:
    """The 32-bit words of an address, one upon the other."""
    packed = ipaddress.ip_address(address.partition("%")[0]).packed
    folded = 0
    for at in range(0, len(packed), 4):
        folded ^= int.from_bytes(packed[at : at + 4], "big")
    return folded
