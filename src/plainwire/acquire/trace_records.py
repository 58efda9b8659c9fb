"""The records of a socket trace: what the interposer wrote of each call (``native/interposer/trace.h``).

A record says what was moved, and how the kernel saw the connection at that moment (TCP_INFO): its state, the
bytes that had come and that the peer had acknowledged. The program may have written what it likes.
"""

from __future__ import annotations

import ipaddress
import struct
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct, field

if TYPE_CHECKING:
    import mmap
    from collections.abc import Iterator

MOST = 512 << 20
"""Bytes of a trace; the interposer writes no more."""
MAGIC = b"plainwi\n"
HEAD = struct.Struct("=8sQQQIIIIIIIiBBBBHH16s16s")
"""How one begins: ``struct trace_head`` of native/interposer/trace.h."""
KIND_AT = 64
UNKNOWN = (1 << 64) - 1
_MOST_RECORDS = 4_000_000
_MOST_CONNECTIONS = 100_000
LAST_TIME = 1 << 62
_MOST_ALIKE = 100
"""Open connections of one port that are looked at for a record that does not name its peer."""

CLOSED = 7  # TCP_CLOSE of include/net/tcp_states.h
NOT_BEGUN = (0, CLOSED)

End = tuple[bytes, int]
"""Address (4 or 16 bytes) and port."""


class Record(NamedTuple):
    """One call. ``payload`` is where its bytes lie."""

    kind: str
    time: int  # monotonic, ns
    acked: int | None
    received: int | None
    pid: int
    size: int
    total: int
    last_data: int
    last_ack: int
    error: int
    unread: int
    state: int
    local: End
    peer: End | None
    payload: int


class Trace(Struct):
    """What was read of a file. ``cut`` says why there is no more of it, where there is not all."""

    connections: list[TracedConnection] = field(default_factory=list)
    clocks: dict[int, int] = field(default_factory=dict)
    """By process: from its clock to the time since the epoch, ns."""
    cut: str | None = None


class TracedConnection(Struct):
    """One connection as one side saw it."""

    local: End
    peer: End
    active: bool
    begun: bool  # its begin was seen
    records: list[Record] = field(default_factory=list)


def read(data: bytes | mmap.mmap) -> Trace:
    """Give each record to its connection. What is damaged ends the reading."""
    reading = _Reading()
    for record in _records(data, reading.trace):
        reading.take(record)
    trace = reading.trace
    for connection in trace.connections:
        connection.records.sort(key=lambda record: record.time)
    trace.connections = [each for each in trace.connections if each.records]
    return trace


def _records(data: bytes | mmap.mmap, trace: Trace) -> Iterator[Record]:
    at = count = 0
    while at < len(data):
        if at + HEAD.size > len(data):
            trace.cut = "its last record is cut off"
            return
        found = HEAD.unpack_from(data, at)
        size, at = found[6], at + HEAD.size
        if found[0] != MAGIC or at + size > len(data) or found[1] > LAST_TIME or found[7] > MOST:
            trace.cut = "a record in it is damaged"
            return
        count += 1
        if count > _MOST_RECORDS:
            trace.cut = f"only its first {_MOST_RECORDS:,} records were read"
            return
        kind = chr(found[12])
        if kind == "K":
            trace.clocks[found[4]] = min(found[3], LAST_TIME) - found[1]
        else:
            yield _record(kind, found, at)
        at += size
    if len(data) > MOST - (1 << 20):
        trace.cut = f"it is full ({MOST >> 20} MB)"


def _record(kind: str, found: tuple[int, ...], at: int) -> Record:
    _, time, acked, received, pid, _, size, total, unread, last_data, last_ack, error, _, state, *ends = found
    family, peer_family, local_port, peer_port, local, peer = ends
    return Record(
        kind,
        time,
        None if acked == UNKNOWN else acked,
        None if received == UNKNOWN else received,
        pid,
        size,
        max(total, size),
        last_data,
        last_ack,
        error,
        unread,
        state,
        _end(family, local, local_port),
        _end(peer_family, peer, peer_port) if peer_family else None,
        at,
    )


def ends(head: bytes) -> tuple[End | None, End | None]:
    """Of a record's head: both ends, as far as it has them."""
    *_, family, peer_family, local_port, peer_port, local, peer = HEAD.unpack(head)
    return (
        _end(family, local, local_port) if family else None,
        _end(peer_family, peer, peer_port) if peer_family else None,
    )


def _end(family: int, address: object, port: int) -> End:
    """Its address in 4 or 16 bytes: one of IPv4 inside IPv6 is written as it goes over the wire."""
    assert isinstance(address, bytes)  # noqa: S101 - of struct
    mapped = ipaddress.IPv6Address(address).ipv4_mapped if family == 6 else None
    short = mapped.packed if mapped is not None else address[:4] if family == 4 else address
    return short, int.from_bytes(port.to_bytes(2, "little"), "big")


class _Reading:
    """Which connection each record is of."""

    def __init__(self) -> None:
        self.trace = Trace()
        self._live: dict[tuple[End, End], TracedConnection] = {}
        self._open: dict[int, dict[tuple[End, End], TracedConnection]] = {}
        """By their own ports and their ends those that are not closed; what was told of last stands last."""

    def take(self, record: Record) -> None:
        """Add a record to its connection, where it has one."""
        connection = self._connection_of(record)
        if connection is None:
            return
        connection.records.append(record)
        there = self._open.setdefault(connection.local[1], {})
        ends = connection.local, connection.peer
        there.pop(ends, None)
        if record.kind != "Q":
            there[ends] = connection

    def _connection_of(self, record: Record) -> TracedConnection | None:
        if record.peer is None:
            return self._by_own_end(record)
        if record.kind == "C" and record.state in NOT_BEGUN:
            return self._opened(record.local, record.peer, active=True, begun=True)
        if record.kind == "A":
            return self._opened(record.local, record.peer, active=False, begun=True)
        found = self._live.get((record.local, record.peer))
        if found is None and record.kind in "SR":
            return self._opened(record.local, record.peer, active=True, begun=False)
        return found

    def _opened(self, local: End, peer: End, *, active: bool, begun: bool) -> TracedConnection | None:
        if len(self.trace.connections) >= _MOST_CONNECTIONS:
            self.trace.cut = f"only its first {_MOST_CONNECTIONS:,} connections were read"
            return None
        made = self._live[local, peer] = TracedConnection(local, peer, active, begun)
        self.trace.connections.append(made)
        return made

    def _by_own_end(self, record: Record) -> TracedConnection | None:
        """Of a connection that is over the kernel knows the peer no more, nor always the address."""
        there = self._open.get(record.local[1], {})
        found = list(islice(reversed(there.values()), _MOST_ALIKE))
        same = [each for each in found if each.local == record.local] or found
        own = [each for each in same if each.records[-1].pid == record.pid] or same
        return max(own, key=lambda each: each.records[-1].time, default=None)
