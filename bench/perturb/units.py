"""What is damaged: the packets of one healthy connection, or a small healthy capture whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plainwire import pipeline
from plainwire.capture import reader
from plainwire.keys import read_keys
from plainwire.model import RST, PacketBatch, SecretsBlock, Side
from plainwire.packets.decode import Decoder
from plainwire.tls.keylog import KeyLog

from .damage import pick

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.model import Connection, Exchange, Int64s, Report

    from .sources import Source

MOST_PACKETS = 400
"""Of a unit: of a longer connection only the beginning is taken."""
MOST_CONNECTIONS = 4
"""Of one capture, evenly spread."""
LOWEST_ERROR = 400
NO_ERROR = frozenset({"NO_ERROR", "H3_NO_ERROR"})
HARMLESS = frozenset({"capture-artifact", "not-a-failure"})
"""Codes that say of the traffic nothing."""


class Unit(NamedTuple):
    """Packets of healthy traffic; ``server``: 1 for the server's packets, 0 for the client's, by row."""

    name: str
    packets: PacketBatch
    server: Int64s
    keys: KeyLog


def accusations(packets: PacketBatch, keys: KeyLog) -> list[str]:
    """What plainwire finds in these packets, apart from what it says of the capture."""
    report = analyzed(packets, keys)
    broken = [f"bug: {bug.what}, {bug.error}" for bug in report.coverage.bugs]
    left = sorted({sign.kind for sign in report.signs if sign.claimed_by == "unexplained"})
    return broken + [
        f"{f.code} ({f.fault}, {f.certainty})" + (f" {'+'.join(left)}" if f.code == "unexplained" else "")
        for f in report.findings
        if f.code not in HARMLESS
    ]


def analyzed(packets: PacketBatch, keys: KeyLog) -> Report:
    """The report on these packets."""
    analysis = pipeline.Analysis(keys)
    analysis.feed(packets)
    return analysis.close()


def units(source: Source) -> Iterator[Unit]:
    """Every healthy connection of the capture (some of many), with its secrets and without them."""
    packets, keys = load(source)
    if packets is None:
        return
    report = analyzed(packets, keys)
    source_rows = _Rows(packets)
    good = [c for c in report.connections if _is_healthy(c)]
    for connection in _some(good, MOST_CONNECTIONS):
        yield from _of(f"{source.name}#{connection.id}", source_rows.of([connection]), keys)
    whole = source_rows.of(good)
    if len(report.connections) > 1 and good == report.connections and len(whole[1]) <= MOST_PACKETS:
        yield from _of(source.name, whole, keys)


def _of(name: str, rows: tuple[PacketBatch, Int64s], keys: KeyLog) -> Iterator[Unit]:
    packets, server = rows
    if len(server) > MOST_PACKETS:
        packets, server = pick(packets, np.arange(MOST_PACKETS)), server[:MOST_PACKETS]
    report = analyzed(packets, keys)
    if not len(server) or [f for f in report.findings if f.code not in HARMLESS]:
        return
    yield Unit(name, packets, server, keys)
    if any(connection.decrypted and connection.tls is not None for connection in report.connections):
        yield Unit(f"{name} without secrets", packets, server, KeyLog())


def load(source: Source) -> tuple[PacketBatch | None, KeyLog]:
    """All packets of a capture as one batch, and all secrets; None where there is no packet."""
    keys = read_keys(source.keys, source.private_keys)
    batches = []
    for item in reader.read([source.path]):
        if isinstance(item, SecretsBlock):
            keys.add(item.data)
        elif isinstance(item, PacketBatch):
            batches.append(item)
    return (_joined(batches) if batches else None), keys


def _joined(batches: list[PacketBatch]) -> PacketBatch:
    shifts = np.cumsum([0, *(len(batch.data) for batch in batches[:-1])])
    columns = {
        name: np.concatenate([getattr(batch, name) for batch in batches])
        for name in ("number", "time_ns", "caplen", "length", "link")
    }
    offset = np.concatenate([b.offset + shift for b, shift in zip(batches, shifts, strict=True)])
    return PacketBatch(data=b"".join(b.data for b in batches), offset=offset, **columns)


class _Rows:
    """Which rows of a batch belong to which ends."""

    def __init__(self, packets: PacketBatch) -> None:
        self._packets = packets
        self._by_ends: dict[frozenset[str], list[tuple[int, str]]] = {}
        decoded = Decoder().decode(packets)
        for columns in (decoded.segments, decoded.datagrams):
            if columns is not None:
                ends = [str(endpoint) for endpoint in columns.endpoints]
                rows = np.searchsorted(packets.number, columns.number).tolist()
                for row, one, other in zip(
                    rows, columns.source.tolist(), columns.target.tolist(), strict=True
                ):
                    self._by_ends.setdefault(frozenset((ends[one], ends[other])), []).append((row, ends[one]))

    def of(self, connections: list[Connection]) -> tuple[PacketBatch, Int64s]:
        """The packets between the ends of ``connections``, and by row whether the server sent it."""
        found: dict[int, int] = {}
        for connection in connections:
            client, server = str(connection.client), str(connection.server)
            for row, sender in self._by_ends.get(frozenset((client, server)), ()):
                found[row] = int(sender == server)
        rows = sorted(found)
        return pick(self._packets, np.array(rows, dtype=np.int64)), np.array(
            [found[r] for r in rows], np.int64
        )


def _some(connections: list[Connection], most: int) -> list[Connection]:
    step = max(1, -(-len(connections) // most))
    return connections[::step]


def _is_healthy(connection: Connection) -> bool:
    """Whether nothing about the connection could be called trouble, and its exchanges could be read."""
    cut = connection.mid_stream or connection.gaps or connection.snapped
    tried = sum(syn.side is Side.CLIENT for syn in connection.syns) > 1
    whole = connection.established and not cut and not any(connection.retransmissions) and not tried
    read = not connection.undecrypted and bool(connection.exchanges)
    ended = max((e.response.last_ns for e in connection.exchanges if e.response is not None), default=0)
    reset = any(close.kind == "rst" and close.time_ns < ended for close in connection.closes)
    first = connection.closes[0] if connection.closes else None
    # a server that resets an idle connection (lab's server-crash-mid-stream) is trouble for who writes next
    reset = reset or (first is not None and first.kind == "rst" and first.side is Side.SERVER)
    segments = connection.segments
    if segments is not None:  # also one that was no end: forged, or out of the window
        reset = reset or bool(((segments.flags & RST != 0) & (segments.time_ns < ended)).any())
    alerts = reset or any(close.kind in ("alert", "stateless_reset") for close in connection.closes)
    errors = any(event.name not in NO_ERROR for event in connection.events if event.code)
    # a client that has ended refuses what is still sent to it
    errors = errors or any(
        error.time_ns < ended or error.sender != connection.client.address for error in connection.icmp_errors
    )
    return whole and read and not alerts and not errors and all(map(_went_well, connection.exchanges))


def _went_well(exchange: Exchange) -> bool:
    request, response = exchange.request, exchange.response
    if request is None or response is None or exchange.outcome != "complete":
        return False
    sound = not (request.defects or response.defects) and request.complete and response.complete
    contents = [message.content for message in (request, response) if message.content is not None]
    return sound and response.status < LOWEST_ERROR and not any(content.defect for content in contents)
