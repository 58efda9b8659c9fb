"""Which packets of a capture are the program's: only those stay in a case.

The capture runs on every interface, so it holds everybody's traffic until the program has ended. Then the
program's events and secrets are complete, and tell which connections are its own, in the same way as for the
report (``attribution``): so a report on what stays says the same as one on all of it.

Besides its connections, what a verdict needs of their surroundings stays: ICMP errors about them, fragments
of their packets, and questions to name servers. They stay where a name leads to an address that the program
turned to, where the program spoke of the name, and where it was the program that asked. That is told by the
kernel, which knows when it sent a datagram of that size. Where the kernel does not tell, nobody knows who
asked; then those stay that no answer had an address for: the program may have waited for it.

The file is read twice: the secrets tell of a connection only when its ClientHello has come by, behind its
first packets. Memory grows with what may be the program's own (24 bytes a packet), not with the rest.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from plainwire import attribution, pipeline
from plainwire.arrays import np
from plainwire.capture import reader
from plainwire.dns import messages
from plainwire.dns.lookups import MOST_KEPT, of_name_servers
from plainwire.model import ACK, SYN, Connection, PacketBatch, TlsInfo
from plainwire.packets.decode import Decoder
from plainwire.quic import sieve

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from plainwire.folder import FileSource
    from plainwire.model import (
        DatagramBatch,
        Endpoint,
        IcmpError,
        Int64s,
        ProgramEvents,
        SegmentBatch,
    )
    from plainwire.progress import Through
    from plainwire.tls.keylog import KeyLog

Ends = frozenset[str]
"""Both ends of a connection, as ``ip:port``."""

_HELLO = re.compile(rb"\x16\x03[\x00-\x04]..\x01...\x03[\x00-\x03](.{32})", re.DOTALL)
"""A TLS record with a ClientHello up to its random (RFC 8446 sections 5.1, 4 and 4.1.2), wherever it stands:
also behind what opened a tunnel."""

_MOST_MESSAGES = 4 * MOST_KEPT
"""Messages of DNS: as many as a report reads lookups, with their retransmissions and answers."""
_MOST_ERRORS = 10_000
_MOST_JOINED = 100_000
"""ICMP errors, and packets that came in fragments."""

_OUT_OF_ORDER_NS = 1_000_000_000
"""The SYN-ACK may have been captured before the SYN: packets so soon before it are of the same connection."""


_APART_NS = 1_000_000_000
"""The kernel tells of a datagram when the call that sent it ends, which on a busy machine is later."""


class OwnPackets(NamedTuple):
    """Which packets are the program's: one byte for each. ``left_out`` counts the others."""

    flags: bytearray
    left_out: int


def own_packets(
    capture: FileSource,
    events: ProgramEvents,
    keys: KeyLog,
    sent: Sequence[tuple[int, int]] | None = None,
    through: Through = iter,
    *,
    quic_before: Iterable[Ends] = (),
) -> OwnPackets:
    """Tell the program's packets from those of others. All that is read goes ``through`` that function.

    ``sent``: when (ns) it sent a small datagram, and of how many bytes; None where that is not known.
    ``quic_before``: its QUIC connections that began before the capture did.

    Raises:
        UserError: the capture cannot be read.

    """
    handshakes = _Handshakes(events, keys)
    for batch in _batches(capture, through):
        handshakes.feed(batch)
    quic = _of_quic(capture, events, keys, through) if handshakes.quic else set()
    quic |= set(quic_before)
    packets = _Packets(events, handshakes.randoms, quic)
    for batch in _batches(capture, through):
        packets.feed(batch)
    return packets.kept(events, keys, sent)


def _batches(capture: FileSource, through: Through) -> Iterator[PacketBatch]:
    return (item for item in through(reader.read([capture])) if isinstance(item, PacketBatch))


def _ends(one: Endpoint, other: Endpoint) -> Ends:
    return frozenset((str(one), str(other)))


def _of_quic(capture: FileSource, events: ProgramEvents, keys: KeyLog, through: Through) -> set[Ends]:
    """The ends of the program's QUIC connections: whose they are is told by what is encrypted in them."""
    analysis = pipeline.Analysis(keys, events=events, program_only=True)
    for batch in _batches(capture, through):
        analysis.feed(batch)
    found: set[Ends] = set()
    for connection in analysis.close().connections:
        if connection.quic is not None:
            paths = [(connection.client, connection.server), *connection.quic.paths]
            found |= {_ends(*path) for path in paths}
    return found


class _Handshakes:
    """The first reading: finds the ClientHellos that the program has secrets of.

    ``randoms``: (packet, random) by the ends of the connection. ``quic``: some datagrams may be QUIC's.
    """

    def __init__(self, events: ProgramEvents, keys: KeyLog) -> None:
        self.randoms: dict[Ends, list[tuple[int, bytes]]] = {}
        self.quic = False
        self._events, self._keys = events, keys
        self._decoder = Decoder()

    def feed(self, batch: PacketBatch) -> None:
        decoded = self._decoder.decode(batch)
        segments, datagrams = decoded.segments, decoded.datagrams
        self.quic = self.quic or (datagrams is not None and sieve.worth_reading(datagrams))
        hellos = [(m.start(), m[1]) for m in _HELLO.finditer(segments.data) if self._has_secrets(m[1])]
        order = np.argsort(segments.offset, kind="stable") if hellos and len(segments.offset) else None
        for at, random in hellos if order is not None else ():
            place = int(np.searchsorted(segments.offset, at, side="right", sorter=order)) - 1
            row = int(order[place]) if order is not None and place >= 0 else -1
            if row >= 0 and at < segments.offset[row] + segments.captured[row]:
                source, target = int(segments.source[row]), int(segments.target[row])
                ends = _ends(segments.endpoints[source], segments.endpoints[target])
                self.randoms.setdefault(ends, []).append((int(segments.number[row]), random))

    def _has_secrets(self, random: bytes) -> bool:
        return self._keys.has(random) or random in self._events.by_client_random


class _Named:
    """Picks the rows of batches whose two ends are both among some that are named."""

    def __init__(self, ends: Iterable[str], ports: Iterable[int] = ()) -> None:
        """``ports``: with any address."""
        self._ends, self._ports = frozenset(ends), frozenset(ports)
        self._looked_at = 0
        self._numbers: list[int] = []

    def rows(self, batch: SegmentBatch | DatagramBatch) -> Int64s:
        """Where in the batch they are."""
        table = batch.endpoints
        self._numbers += [n for n in range(self._looked_at, len(table)) if self._meant(table[n])]
        self._looked_at = len(table)
        numbers = np.array(self._numbers, dtype=np.int64)
        return np.flatnonzero(np.isin(batch.source, numbers) & np.isin(batch.target, numbers))

    def _meant(self, end: Endpoint) -> bool:
        return end.port in self._ports or str(end) in self._ends


class _Syn(NamedTuple):
    number: int
    seq: int
    client: int


class _Segments:
    """TCP packets that may be the program's, and the connections that they make up."""

    def __init__(self, events: ProgramEvents, randoms: dict[Ends, list[tuple[int, bytes]]]) -> None:
        ends = {end for pair in (*events.by_sockets, *randoms) for end in pair}
        unbound = [local for local, _ in events.by_sockets if local.startswith(attribution.UNBOUND)]
        self._named = _Named(ends, {int(local.rsplit(":", 1)[1]) for local in unbound})
        self._randoms = randoms
        self._columns: list[NDArray[np.int64]] = []
        self._syns: dict[int, list[_Syn]] = {}
        self._endpoints: Sequence[Endpoint] = ()

    def feed(self, batch: SegmentBatch) -> None:
        self._endpoints = batch.endpoints
        rows = self._named.rows(batch)
        if not len(rows):
            return
        source, target, flags = batch.source[rows], batch.target[rows], batch.flags[rows]
        pairs = (np.minimum(source, target) << 32) | np.maximum(source, target)
        self._columns.append(np.stack((pairs, batch.number[rows], batch.time_ns[rows])))
        for row in np.flatnonzero((flags & (SYN | ACK)) == SYN).tolist():
            syn = _Syn(int(batch.number[rows[row]]), int(batch.seq[rows[row]]), int(source[row]))
            self._syns.setdefault(int(pairs[row]), []).append(syn)

    def connections(self) -> Iterator[tuple[Connection, Int64s]]:
        """Each connection, as far as it takes to tell whose it is, with the numbers of its packets."""
        if not self._columns:
            return
        table = np.concatenate(self._columns, axis=1)
        table = table[:, np.argsort(table[0], kind="stable")]
        cuts = np.flatnonzero(np.diff(table[0])) + 1
        number = 0
        for part in np.split(table, cuts, axis=1):
            for connection, packets in self._incarnations(int(part[0, 0]), part[1], part[2]):
                number += 1
                connection.id = number
                yield connection, packets

    def _incarnations(self, pair: int, numbers: Int64s, times: Int64s) -> Iterator[tuple[Connection, Int64s]]:
        """Those of one pair of sockets: as for the report, a SYN with another number begins a new one."""
        begins: list[tuple[int, int]] = []  # row, and the client's end
        seq = -1
        for syn in self._syns.get(pair, ()):
            if syn.seq != seq:
                begins.append((int(np.searchsorted(numbers, syn.number)), syn.client))
                seq = syn.seq
        if not begins or times[begins[0][0]] - times[0] > _OUT_OF_ORDER_NS:
            begins.insert(0, (0, pair >> 32))
        begins[0] = 0, begins[0][1]
        for (first, client), (end, _) in zip(begins, [*begins[1:], (len(numbers), 0)], strict=True):
            if first < end:
                yield self._connection(pair, client, numbers[first:end], times[first:end])

    def _connection(
        self, pair: int, client: int, numbers: Int64s, times: Int64s
    ) -> tuple[Connection, Int64s]:
        one, other = pair >> 32, pair & 0xFFFFFFFF
        server = other if client == one else one
        ends = self._endpoints[client], self._endpoints[server]
        first, last = int(numbers[0]), int(numbers[-1])
        randoms = (random for at, random in self._randoms.get(_ends(*ends), ()) if first <= at <= last)
        tls = TlsInfo(client_random=next(randoms, b""))
        opened, closed = int(times.min()), int(times.max())
        return Connection(0, *ends, first, opened, last_packet=last, last_ns=closed, tls=tls), numbers


class _Message(NamedTuple):
    """One message of DNS. ``of_addresses``: it is about a name's addresses."""

    packet: int
    time_ns: int
    size: int
    ends: Ends
    name: str
    of_addresses: bool
    addresses: tuple[str, ...]


class _Packets:
    """The second reading: gathers what may be the program's, and decides."""

    def __init__(
        self, events: ProgramEvents, randoms: dict[Ends, list[tuple[int, bytes]]], quic: set[Ends]
    ) -> None:
        self._decoder = Decoder()
        self._total = 0
        self._segments = _Segments(events, randoms)
        self._quic_ends, self._quic = quic, _Named(end for pair in quic for end in pair)
        self._quic_packets: list[Int64s] = []
        self._messages: list[_Message] = []
        self._errors: list[IcmpError] = []
        self._joined: list[list[int]] = []

    def feed(self, batch: PacketBatch) -> None:
        self._total = int(batch.number[-1])
        decoded = self._decoder.decode(batch)
        self._segments.feed(decoded.segments)
        if decoded.datagrams is not None:
            self._quic_packets.append(decoded.datagrams.number[self._quic.rows(decoded.datagrams)])
            self._take_messages(decoded.datagrams)
        self._errors += decoded.errors[: _MOST_ERRORS - len(self._errors)]
        self._joined += decoded.joined[: _MOST_JOINED - len(self._joined)]

    def _take_messages(self, batch: DatagramBatch) -> None:
        for row in np.flatnonzero(of_name_servers(batch)).tolist():
            at = int(batch.offset[row])
            message = messages.parse(batch.data[at : at + int(batch.captured[row])])
            if message is not None and len(self._messages) < _MOST_MESSAGES:
                ends = _ends(batch.endpoints[int(batch.source[row])], batch.endpoints[int(batch.target[row])])
                of_addresses = message.type in (messages.A, messages.AAAA)
                self._messages.append(
                    _Message(
                        int(batch.number[row]),
                        int(batch.time_ns[row]),
                        int(batch.captured[row]),
                        ends,
                        message.name,
                        of_addresses,
                        message.addresses,
                    )
                )

    def kept(self, events: ProgramEvents, keys: KeyLog, sent: Sequence[tuple[int, int]] | None) -> OwnPackets:
        """The decision."""
        parts = dict(enumerate(self._segments.connections(), 1))
        connections = [connection for connection, _ in parts.values()]
        attribution.name_owners(connections, events)
        packets, ends, addresses = [*self._quic_packets], {*self._quic_ends}, _addresses(events)
        addresses |= {_address(end) for pair in ends for end in pair}
        for connection in attribution.own(connections, events, keys):
            packets.append(parts[connection.id][1])
            ends.add(_ends(connection.client, connection.server))
            addresses.add(connection.server.address)
        stay = np.zeros(self._total + 1, dtype=np.uint8)
        for numbers in packets:
            stay[numbers] = 1
        for message in _of_names(self._messages, _names(self._messages, addresses, events, sent)):
            stay[message.packet] = 1
            ends.add(message.ends)
        for error in self._errors:
            stay[error.packet] |= _ends(error.source, error.target) in ends
        for joined in self._joined:
            stay[joined] |= stay[joined[-1]]
        return OwnPackets(bytearray(stay[1:].tobytes()), self._total - int(stay.sum()))


# --- questions to name servers ------------------------------------------------------------------------


def _address(end: str) -> str:
    return end.rsplit(":", 1)[0].strip("[]")


def _addresses(events: ProgramEvents) -> set[str]:
    """What the program turned to, or tried to."""
    return {_address(peer) for _, peer in events.by_sockets}


def _names(
    asked: list[_Message], addresses: set[str], events: ProgramEvents, sent: Sequence[tuple[int, int]] | None
) -> set[str]:
    """The names that the program may have asked for."""
    of_addresses = [message for message in asked if message.of_addresses]
    reached = {message.name for message in of_addresses if not addresses.isdisjoint(message.addresses)}
    spoken = "\n".join([*events.command, *(words.text for words in events.words)]).lower()
    names = {message.name for message in of_addresses}
    if sent is None:
        asked_for = names - {message.name for message in of_addresses if message.addresses}
    else:
        asked_for = _sent_names(of_addresses, sent)
    return reached | asked_for | {name for name in names if name != "." and name in spoken}


def _sent_names(asked: list[_Message], sent: Sequence[tuple[int, int]]) -> set[str]:
    """The names in messages that are as large as a datagram that the program sent then."""
    times: dict[int, list[int]] = {}
    for time_ns, size in sorted(sent):
        times.setdefault(size, []).append(time_ns)
    found = set()
    for message in asked:
        of_size = times.get(message.size, [])
        at = bisect_left(of_size, message.time_ns - _APART_NS)
        if at < len(of_size) and of_size[at] <= message.time_ns + _APART_NS:
            found.add(message.name)
    return found


def _of_names(asked: list[_Message], names: set[str]) -> list[_Message]:
    return [message for message in asked if message.name in names]
