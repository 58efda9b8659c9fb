"""What the tests of this room share: frames as a batch, and two readings of a capture, ours and tshark's."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from plainwire.capture import reader
from plainwire.model import DatagramBatch, PacketBatch, SegmentBatch
from plainwire.packets.decode import Decoded, Decoder
from tests.builders.packets import CLIENT, CLIENT6, PSH, RAW, SERVER, SERVER6, packet
from tests.needs import tool

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from plainwire.model import Endpoint

DATA = b"payload"
FOUR = packet(CLIENT, SERVER, 1000, 2000, PSH | 16, DATA)
SIX = packet(CLIENT6, SERVER6, 1000, 2000, PSH | 16, DATA)
ENDS4 = ("192.0.2.7:40000", "203.0.113.7:443")
ENDS6 = ("[2001:db8::7]:40000", "[2001:db8:1::1]:443")


def batch(
    frames: list[bytes], link: int = RAW, wire: list[int] | None = None, gap: bytes = b"", first: int = 1
) -> PacketBatch:
    """The frames one after the other, ``gap`` between them; ``wire`` are their lengths on the wire."""
    lengths = [len(frame) for frame in frames]
    offsets = np.cumsum([0] + [size + len(gap) for size in lengths])[:-1].astype(np.int64)
    count = len(frames)
    return PacketBatch(
        data=gap.join(frames) + gap,
        number=np.arange(first, first + count, dtype=np.int64),
        time_ns=np.arange(first - 1, first - 1 + count, dtype=np.int64) * 1000,
        offset=offsets,
        caplen=np.array(lengths, dtype=np.int64),
        length=np.array(wire or lengths, dtype=np.int64),
        link=np.full(count, link, dtype=np.int64),
    )


def read(frames: list[bytes], link: int = RAW, wire: list[int] | None = None) -> Decoded:
    return Decoder().decode(batch(frames, link, wire))


def decoded(frames: list[bytes], link: int = RAW, wire: list[int] | None = None) -> SegmentBatch:
    return read(frames, link, wire).segments


def payloads(found: SegmentBatch | DatagramBatch | None) -> list[bytes]:
    if found is None:
        return []
    pairs = zip(found.offset.tolist(), found.captured.tolist(), strict=True)
    return [found.data[at : at + size] for at, size in pairs]


def ends(found: SegmentBatch | DatagramBatch | None) -> list[tuple[str, str]]:
    if found is None:
        return []
    pairs = zip(found.source.tolist(), found.target.tolist(), strict=True)
    return [(str(found.endpoints[a]), str(found.endpoints[b])) for a, b in pairs]


class Row(NamedTuple):
    """What both readers say of one TCP segment or UDP datagram (``seq`` -1)."""

    number: int
    source: str
    target: str
    source_port: int
    target_port: int
    seq: int
    length: int


FIELDS = ["frame.number", "frame.protocols", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst"]
FIELDS += ["tcp.srcport", "tcp.dstport", "tcp.seq_raw", "tcp.len"]
FIELDS += ["udp.srcport", "udp.dstport", "udp.length"]


def by_tshark(path: Path, *options: str) -> list[Row]:
    """The innermost TCP or UDP of each packet, but not what ICMP quotes or tunnels are made of."""
    command = [tool("tshark"), "-n", "-r", str(path), "-T", "fields", *options]
    for name in FIELDS:
        command += ["-e", name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    rows = (_row(line.split("\t")) for line in done.stdout.splitlines())
    return [row for row in rows if row is not None]


def _row(fields: list[str]) -> Row | None:
    protocols = fields[1].split(":")
    transports = [n for n, name in enumerate(protocols) if name in ("tcp", "udp")]
    if not transports:
        return None
    at = transports[-1]
    networks = [n for n, name in enumerate(protocols) if name in ("ip", "ipv6")]
    before = [n for n in networks if n < at]
    if not before or before != networks or {"icmp", "icmpv6"} & set(protocols[:at]):
        return None
    family = protocols[before[-1]]
    nth = sum(protocols[n] == family for n in before) - 1
    source, target = (fields[n].split(",")[nth : nth + 1] for n in ((2, 3) if family == "ip" else (4, 5)))
    columns = fields[6:10] if protocols[at] == "tcp" else [*fields[10:12], "-1", fields[12]]
    last = [column.split(",")[-1] for column in columns]
    if "" in last or not source or not target:
        return None
    numbers = [int(value) for value in last]
    if protocols[at] == "udp":
        numbers[3] -= 8
    return Row(int(fields[0]), source[0], target[0], *numbers)


def by_us(path: Path) -> list[Row]:
    rows: list[Row] = []
    decoder = Decoder()
    for item in reader.read([path]):
        if isinstance(item, PacketBatch):
            found = decoder.decode(item)
            rows += _rows(found.segments, found.segments.seq.tolist())
            if found.datagrams is not None:
                rows += _rows(found.datagrams, [-1] * len(found.datagrams.number))
    return sorted(rows)


def _rows(found: SegmentBatch | DatagramBatch, seq: list[int]) -> list[Row]:
    endpoint: Sequence[Endpoint] = found.endpoints
    return [
        Row(number, a.address, b.address, a.port, b.port, *rest)
        for number, a, b, *rest in zip(
            found.number.tolist(),
            [endpoint[n] for n in found.source.tolist()],
            [endpoint[n] for n in found.target.tolist()],
            seq,
            found.length.tolist(),
            strict=True,
        )
    ]
