"""UDP datagrams as columns, and what plainwire reads from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plainwire.model import Connection, DatagramBatch, Endpoint, Gap, Side
from plainwire.quic.quic_assembler import QuicAssembler
from plainwire.tls.keylog import KeyLog

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from plainwire.quic.quic_connection import QuicConnection

CLIENT, SERVER = Side.CLIENT, Side.SERVER
HOME, AWAY = Endpoint("192.0.2.1", 50000), Endpoint("198.51.100.7", 443)
MOVED = Endpoint("192.0.2.99", 61000)
START_NS = 1_700_000_000_000_000_000


class Sent(NamedTuple):
    """One datagram on the wire; ``cut`` bytes of it were not captured."""

    data: bytes
    source: Endpoint = HOME
    target: Endpoint = AWAY
    time_ns: int = START_NS
    cut: int = 0


class Columns:
    """Makes batches; numbers packets and endpoints as a decoder does."""

    def __init__(self) -> None:
        self.packets = 0
        self.endpoints: list[Endpoint] = []

    def batch(self, wire: Sequence[Sent]) -> DatagramBatch:
        captured = [len(sent.data) - sent.cut for sent in wire]
        rows = len(wire)
        first, self.packets = self.packets + 1, self.packets + rows
        return DatagramBatch(
            data=b"".join(sent.data[: len(sent.data) - sent.cut] for sent in wire),
            number=np.arange(first, first + rows),
            time_ns=np.array([sent.time_ns for sent in wire], dtype=np.int64),
            source=np.array([self._endpoint(sent.source) for sent in wire], dtype=np.int64),
            target=np.array([self._endpoint(sent.target) for sent in wire], dtype=np.int64),
            ttl=np.full(rows, 64),
            offset=np.cumsum([0, *captured[:-1]], dtype=np.int64),
            captured=np.array(captured, dtype=np.int64),
            length=np.array([len(sent.data) for sent in wire], dtype=np.int64),
            endpoints=self.endpoints,
        )

    def _endpoint(self, endpoint: Endpoint) -> int:
        if endpoint not in self.endpoints:
            self.endpoints.append(endpoint)
        return self.endpoints.index(endpoint)


@dataclass
class Reading:
    """What came out, by connection (in order) and by stream id and side."""

    assembler: QuicAssembler = field(default_factory=QuicAssembler)
    connections: list[Connection] = field(default_factory=list)
    quic: list[QuicConnection] = field(default_factory=list)
    texts: list[dict[tuple[int, Side], bytes]] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    ends: dict[tuple[int, Side], int | None] = field(default_factory=dict)
    """Streams that ended: None by FIN, else by reset with this code."""
    places: dict[tuple[int, Side], list[tuple[int, list[int]]]] = field(default_factory=dict)
    """Offsets where text begins, with the packets found for them."""

    @property
    def only(self) -> Connection:
        (connection,) = self.connections
        return connection

    def text(self, stream: int, side: Side, connection: int = 0) -> bytes:
        return self.texts[connection].get((stream, side), b"")

    def take(self, connection: QuicConnection) -> None:
        """Empty the outbox of a connection."""
        if connection not in self.quic:
            self.quic.append(connection)
            self.texts.append({})
        texts = self.texts[self.quic.index(connection)]
        for item in connection.streams:
            key = item.stream_id, item.side
            for text in item.texts:
                if isinstance(text, Gap):
                    self.gaps.append(text)
                    continue
                assert text[1] + len(text[0]) == text[2]
                texts[key] = texts.get(key, b"") + text[0]
                found = item.where.locate([text[1]])[0]
                self.places.setdefault(key, []).append((text[1], found))
            if item.fin or item.reset_code is not None:
                self.ends[key] = item.reset_code
        connection.streams.clear()


def read(wire: Iterable[Sent], keys: bytes = b"", *, step: int = 0, late: bytes = b"") -> Reading:
    """Feed datagrams, ``step`` at a time (0: at once), and finish; ``late``: secrets for the second half."""
    wire = list(wire)
    log = KeyLog()
    log.add(keys)
    reading, columns = Reading(), Columns()
    size = step or max(len(wire), 1)
    for at in range(0, len(wire), size):
        if at >= len(wire) // 2 > 0:
            log.add(late)
            late = b""
        touched, over = reading.assembler.feed(columns.batch(wire[at : at + size]), log)
        for connection in touched:
            reading.take(connection)
        for connection in over:
            _finish(reading, connection)
    for connection in reading.assembler.close():
        _finish(reading, connection)
    return reading


def _finish(reading: Reading, connection: QuicConnection) -> None:
    reading.connections.append(connection.finish())
    reading.take(connection)
