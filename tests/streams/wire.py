"""One TCP connection, segment by segment, put through decoder and assembler."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

import numpy as np

from plainwire.model import ACK, FIN, RST, SYN, Connection, Gap, PacketBatch, SegmentBatch, Side
from plainwire.packets.decode import Decoder
from plainwire.streams.tcp_assembler import Assembler, TcpConnection
from tests.builders.packets import CLIENT, RAW, SERVER, Address, ipv4, ipv6, tcp

if TYPE_CHECKING:
    from collections.abc import Sequence

MS = 1_000_000
START_NS = 1_700_000_000_000_000_000


@dataclass
class Stream:
    """What came out of one connection."""

    facts: Connection
    connection: TcpConnection
    data: tuple[dict[int, int], dict[int, int]] = field(default_factory=lambda: ({}, {}))  # offset -> byte
    gaps: tuple[list[tuple[int, int]], list[tuple[int, int]]] = field(default_factory=lambda: ([], []))

    def take(self) -> None:
        """Empty the outbox; every piece must continue where the last one ended."""
        for side, direction in enumerate(self.connection.directions):
            known = self.data[side]
            for piece in direction.pieces:
                here = len(known) + sum(size for _, size in self.gaps[side])
                if isinstance(piece, Gap):
                    assert (piece.side, piece.offset) == (side, here)
                    assert piece.length > 0
                    self.gaps[side].append((piece.offset, piece.length))
                else:
                    assert piece[0] == here
                    assert piece[1]
                    known.update(enumerate(piece[1], here))
            direction.pieces.clear()

    def sent(self, side: Side) -> bytes:
        """The bytes of one direction, without its gaps."""
        return bytes(byte for _, byte in sorted(self.data[side].items()))

    def located(self, side: Side) -> dict[int, tuple[int, int]]:
        """Number and time of the packet that brought each byte."""
        offsets = sorted(self.data[side])
        numbers, times = self.connection.directions[side].positions.locate(offsets)
        return dict(zip(offsets, zip(numbers, times, strict=True), strict=True))

    @property
    def closes(self) -> list[tuple[str, Side, int, int | None]]:
        """Kind, side, offset and acknowledgment of each end."""
        return [(c.kind, c.side, c.seq, c.ack) for c in self.facts.closes]


class Wire:
    """Segments in the order of the capture. Offsets as in ``model``, counted from 0 behind the SYN."""

    def __init__(
        self, client: Address = CLIENT, server: Address = SERVER, *, isn: tuple[int, int] = (1000, 5000)
    ) -> None:
        self.ends = (client, server)
        self.isn = isn
        self.packets: list[tuple[int, bytes, int]] = []  # milliseconds, captured bytes, length on the wire

    def add(
        self,
        side: Side,
        seq: int,
        payload: bytes = b"",
        *,
        ack: int | None = 0,
        flags: int = 0,
        at: int | None = None,
        snap: int | None = None,
        ident: int | None = None,
        ttl: int = 64,
        options: bytes = b"",
        window: int = 500,
    ) -> Wire:
        """One segment; ``at`` in milliseconds (default: one after the last), ``snap`` cuts its payload.

        Each has an IP identification of its own, unless ``ident`` says another. ``options``: TCP's.
        """
        raw_ack = 0 if ack is None else self.isn[side.peer] + 1 + ack
        flags |= 0 if ack is None else ACK
        source, target = self.ends[side], self.ends[side.peer]
        number = (self.isn[side] + 1 + seq) & 0xFFFFFFFF
        ends, numbers = (source[1], target[1]), (number, raw_ack & 0xFFFFFFFF)
        segment = tcp(*ends, *numbers, flags, payload, options=options, window=window)
        if ":" in source[0]:
            data = ipv6(source[0], target[0], segment, ttl=ttl)
        else:
            ident = len(self.packets) + 1 if ident is None else ident
            data = ipv4(source[0], target[0], segment, ttl=ttl, ident=ident)
        when = at if at is not None else (self.packets[-1][0] + 1 if self.packets else 0)
        cut = data if snap is None else data[: len(data) - len(payload) + snap]
        self.packets.append((when, cut, len(data)))
        return self

    def client(self, seq: int, payload: bytes = b"", **how: int | bytes | None) -> Wire:
        return self.add(Side.CLIENT, seq, payload, **how)  # type: ignore[arg-type]

    def server(self, seq: int, payload: bytes = b"", **how: int | bytes | None) -> Wire:
        return self.add(Side.SERVER, seq, payload, **how)  # type: ignore[arg-type]

    def opened(self) -> Wire:
        """The three segments of the handshake."""
        self.client(-1, ack=None, flags=SYN)
        return self.server(-1, flags=SYN).client(0)

    def closed(self, client: int = 0, server: int = 0) -> Wire:
        """Both sides end in order, the client first, after so many bytes."""
        self.client(client, ack=server, flags=FIN).server(server, ack=client + 1, flags=FIN)
        return self.client(client + 1, ack=server + 1)

    def copied(self, *, ttl: int = 64, later: int = 0) -> Wire:
        """Every packet a second time right behind the first, as a second interface sees it."""
        pairs = []
        for when, data, length in self.packets:
            again = (
                data[:8] + bytes([ttl]) + data[9:]
                if data[0] >> 4 == 4
                else data[:7] + bytes([ttl]) + data[8:]
            )
            pairs += [(when, data, length), (when + later, again, length)]
        self.packets = pairs
        return self

    def reset(self, side: Side, seq: int, ack: int | None = None) -> Wire:
        return self.add(side, seq, ack=ack, flags=RST)

    def streams(self, cuts: Sequence[int] = ()) -> list[Stream]:
        return streams(self.packets, cuts)

    def stream(self, cuts: Sequence[int] = ()) -> Stream:
        (only,) = self.streams(cuts)
        return only


def streams(packets: Sequence[tuple[int, bytes, int]], cuts: Sequence[int] = ()) -> list[Stream]:
    """Put packets through decoder and assembler, as one batch or cut before the rows ``cuts``."""
    decoder, assembler = Decoder(), Assembler()
    found: dict[int, Stream] = {}
    for first, last in pairwise(sorted({0, len(packets), *cuts})):
        touched, over = assembler.feed(decoder.decode(batch(packets[first:last], first + 1)).segments)
        for connection in touched:
            found.setdefault(connection.facts.id, Stream(connection.facts, connection)).take()
        for connection in over:
            connection.finish()
            found.setdefault(connection.facts.id, Stream(connection.facts, connection)).take()
    for connection in assembler.close():
        connection.finish()
        found.setdefault(connection.facts.id, Stream(connection.facts, connection)).take()
    for stream in found.values():
        for side in Side:
            size = len(stream.data[side]) + sum(length for _, length in stream.gaps[side])
            assert stream.facts.sizes[side] == size
    return [found[key] for key in sorted(found)]


def everything(found: list[Stream]) -> list[tuple[object, ...]]:
    """All that can be seen of connections."""
    seen: list[tuple[object, ...]] = []
    for stream in found:
        facts, kept = stream.facts, stream.facts.segments
        assert kept is not None
        columns = (kept.number, kept.time_ns, kept.side, kept.seq, kept.ack, kept.length, kept.flags)
        located = [stream.located(side) for side in Side]
        gaps = [list(stream.gaps[side]) for side in Side]
        told = (facts.id, facts.client, facts.mid_stream, facts.roles_guessed, facts.established)
        counted = (facts.packets, facts.sizes, facts.retransmissions, facts.duplicates, facts.conflicting)
        ends = (
            facts.closes,
            facts.rtt_syn_ns,
            facts.first_packet,
            facts.last_packet,
            facts.snapped,
            facts.syns,
        )
        seen.append((told, counted, ends, stream.data, gaps, located, [c.tolist() for c in columns]))
    return seen


def segments(wire: Wire) -> SegmentBatch:
    return Decoder().decode(batch(wire.packets, 1)).segments


def batch(packets: Sequence[tuple[int, bytes, int]], number: int) -> PacketBatch:
    sizes = [len(data) for _, data, _ in packets]
    return PacketBatch(
        data=b"".join(data for _, data, _ in packets),
        number=np.arange(number, number + len(packets), dtype=np.int64),
        time_ns=np.array([START_NS + when * MS for when, _, _ in packets], dtype=np.int64),
        offset=np.array(list(accumulate(sizes[:-1], initial=0)), dtype=np.int64),
        caplen=np.array(sizes, dtype=np.int64),
        length=np.array([length for _, _, length in packets], dtype=np.int64),
        link=np.full(len(packets), RAW, dtype=np.int64),
    )
