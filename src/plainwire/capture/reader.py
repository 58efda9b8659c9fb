"""Reads capture files: pcap and pcapng, both byte orders, micro- and nanoseconds, cut off or not.

A file is read in pieces of a few megabytes. Each piece becomes one ``PacketBatch``: the piece's bytes
and, as columns, where in them each packet lies. Python walks from header to header; what the headers
say is then gathered for all packets at once. A packet that straddles two pieces is carried over.

Formats: pcap, draft-ietf-opsawg-pcap; pcapng, draft-ietf-opsawg-pcapng.
"""

from __future__ import annotations

import enum
import os
import stat
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol

import numpy as np

from plainwire.model import CaptureDrops, CaptureItem, CaptureNote, PacketBatch, SecretsBlock, UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from plainwire.model import Int64s, UInt8s

PIECE = 8 << 20
"""Bytes read at a time, and so the order of what a batch holds."""

LARGEST_PACKET = 64 << 20
"""A longer packet or block is taken for a damaged length field."""

_PCAP_MAGICS = {
    b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
    b"\xa1\xb2\x3c\x4d": (">", 1),
}
_SECTION = b"\x0a\x0d\x0d\x0a"
_BYTE_ORDER = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
_IDB, _OLD_PACKET, _SIMPLE, _STATISTICS, _ENHANCED, _SECRETS = 1, 2, 3, 5, 6, 10
_SHB = 0x0A0D0D0A
_RECORDS = (0x0BAD, 0x40000BAD, 9)
"""Custom blocks and journal entries: no packets, but Wireshark's numbers count them."""
_COMPRESSED = {b"\x1f\x8b": "gzip", b"\x28\xb5": "zstd", b"\xfd7": "xz", b"BZ": "bzip2"}
_TLS_KEY_LOG = 0x544C534B
_SHORTEST_BLOCK = 12
_SHORTEST_SECTION = 28
_SHORTEST = {_SHB: _SHORTEST_SECTION, _IDB: 20, _OLD_PACKET: 32, _SIMPLE: 16}
_OPT_IF_TSRESOL, _OPT_IF_TSOFFSET = 9, 14
_OPT_ISB_IFDROP, _OPT_ISB_OSDROP = 5, 7
_UNKNOWN_DROPS = 2**64 - 1
_FARTHEST_SECONDS = 1 << 33
_FINEST_DECIMAL = 27
"""Times with more digits lie below a nanosecond for every count of 64 bits."""


class _Input(Protocol):
    def read(self, size: int, /) -> bytes | None: ...


def read(paths: Sequence[str | Path]) -> Iterator[CaptureItem]:
    """Read the files as one capture, the earliest first; ``-`` is standard input.

    Packet numbers run on from file to file.

    Raises:
        UserError: a file is missing, may not be read, or is no capture file.

    """
    number = 1
    for path in _by_time([str(p) for p in paths]):
        with _open(path) as source:
            for item in _read_one(path, source, number):
                if isinstance(item, PacketBatch):
                    number = int(item.number[-1]) + 1
                yield item


def _open(path: str) -> BinaryIO:
    try:
        return os.fdopen(os.dup(0), "rb") if path == "-" else Path(path).open("rb")
    except OSError as error:
        message = f"{path}: {error.strerror}"
        raise UserError(message) from error


def _by_time(paths: list[str]) -> list[str]:
    """Order several files by the time of their first packet; pipes cannot be read twice, so they stay."""
    if len(paths) < 2 or not all(_is_rereadable(path) for path in paths):
        return paths
    starts = []
    for path in paths:
        with _open(path) as source:
            batches = (i for i in _read_one(path, source, 1, PIECE >> 6) if isinstance(i, PacketBatch))
            first = next(batches, None)
        starts.append(int(first.time_ns[0]) if first is not None else 0)
    return [path for _, path in sorted(zip(starts, paths, strict=True), key=lambda pair: pair[0])]


def _is_rereadable(path: str) -> bool:
    try:
        return path != "-" and stat.S_ISREG(Path(path).stat().st_mode)
    except OSError:
        return True  # opening it will say what is wrong


def _read_one(path: str, source: _Input, number: int, piece: int = PIECE) -> Iterator[CaptureItem]:
    try:
        head = _exactly(source, 4)
        if head in _PCAP_MAGICS:
            yield from _read_pcap(path, source, head, number, piece)
        elif head == _SECTION:
            yield from _read_pcapng(path, source, head, number, piece)
        else:
            message = f"{path}: {_what_else(head)}"
            raise UserError(message)
    except OSError as error:
        message = f"{path}: {error.strerror}"
        raise UserError(message) from error


def _what_else(head: bytes) -> str:
    """What a file is whose first bytes are those of no capture."""
    if not head:
        return "empty file"
    packer = _COMPRESSED.get(head[:2])
    if packer:
        return f"compressed: {packer} -dc FILE | plainwire analyze -"
    return "not a capture file (pcap or pcapng)"


def _exactly(source: _Input, size: int) -> bytes:
    """Read ``size`` bytes, fewer only where the input ends."""
    data = b""
    while len(data) < size:
        more = source.read(size - len(data))
        if not more:
            break
        data += more
    return data


# --- pcap -------------------------------------------------------------------------------------------


def _read_pcap(path: str, source: _Input, magic: bytes, number: int, piece: int) -> Iterator[CaptureItem]:
    order, scale = _PCAP_MAGICS[magic]
    rest = _exactly(source, 20)
    if len(rest) < 20:
        message = f"{path}: cut off inside the file header"
        raise UserError(message)
    link = struct.unpack_from(order + "I", rest, 16)[0] & 0xFFFF  # above: about checksums
    length_at = struct.Struct(order + "I").unpack_from
    carry = b""
    while more := source.read(piece):
        data = carry + more
        offsets, end, bad = _walk_pcap(data, length_at)
        if offsets:
            yield _pcap_batch(data, offsets, order, scale, link, number)
            number += len(offsets)
        if bad:
            yield CaptureNote(f"{path}: packet {number} has an impossible length; nothing behind it was read")
            return
        carry = data[end:]
    if carry:
        yield CaptureNote(f"{path}: cut off in packet {number}")


def _walk_pcap(data: bytes, length_at) -> tuple[list[int], int, bool]:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """Where each whole packet record begins; where the walk ended; whether a length was impossible."""
    offsets: list[int] = []
    append = offsets.append
    position, size = 0, len(data)
    while position + 16 <= size:
        (caplen,) = length_at(data, position + 8)
        if caplen > LARGEST_PACKET:
            return offsets, position, True
        end = position + 16 + caplen
        if end > size:
            break
        append(position)
        position = end
    return offsets, position, False


def _pcap_batch(
    data: bytes, offsets: list[int], order: str, scale: int, link: int, number: int
) -> PacketBatch:
    at = np.array(offsets, dtype=np.int64)
    fields = _gather(data, at, 16).view(order + "u4").astype(np.int64)
    return PacketBatch(
        data=data,
        number=np.arange(number, number + len(at), dtype=np.int64),
        time_ns=fields[:, 0] * 1_000_000_000 + fields[:, 1] * scale,
        offset=at + 16,
        caplen=fields[:, 2],
        length=fields[:, 3],
        link=np.full(len(at), link, dtype=np.int64),
    )


def _gather(data: bytes, at: Int64s, size: int) -> UInt8s:
    """``size`` bytes at each of ``at``, as rows."""
    column: UInt8s = np.frombuffer(data, dtype=np.uint8)
    rows: UInt8s = column[at[:, None] + np.arange(size, dtype=np.int64)]
    return rows


# --- pcapng -----------------------------------------------------------------------------------------


class _Interface(NamedTuple):
    link: int
    snaplen: int
    numerator: int  # nanoseconds = ticks * numerator // denominator + offset
    denominator: int
    offset_ns: int


@dataclass(slots=True)
class _Section:
    """What the blocks of one section share."""

    order: str
    interfaces: list[_Interface] = field(default_factory=list)
    records: int = 0  # blocks that were counted since the last packet, and hold none


class _Walk(enum.Enum):
    """Why a walk over blocks ended."""

    NEEDS_MORE = enum.auto()  # the data end
    HAND_OVER = enum.auto()  # a block that changes the meaning of packets behind it
    DAMAGED = enum.auto()  # a block whose length cannot be


def _read_pcapng(path: str, source: _Input, head: bytes, number: int, piece: int) -> Iterator[CaptureItem]:
    section = _Section("")
    carry = head
    while more := source.read(piece):
        data = carry + more
        position, end = 0, _Walk.HAND_OVER
        while end is _Walk.HAND_OVER:
            packets, others, position, end = _walk_pcapng(data, position, section)
            yield from others  # secrets first: they stand ahead of the packets that need them
            number += section.records
            section.records = 0
            if packets:
                yield _pcapng_batch(data, packets, section, number)
                number += len(packets)
        if end is _Walk.DAMAGED:
            if not section.order:
                break
            yield CaptureNote(
                f"{path}: a block behind packet {number - 1} is damaged; nothing behind it was read"
            )
            return
        carry = data[position:]
    if not section.order:
        message = f"{path}: cut off or damaged in the file header"
        raise UserError(message)
    if carry:
        yield CaptureNote(f"{path}: cut off behind packet {number - 1}")


_Packets = list[tuple[int, int]]  # block offset, block type


def _walk_pcapng(  # noqa: C901 - one walk over every block of the file: the hot loop
    data: bytes, position: int, section: _Section
) -> tuple[_Packets, list[CaptureItem], int, _Walk]:
    """Collect packets and what else the blocks hold, and say where and why that ended."""
    packets: _Packets = []
    others: list[CaptureItem] = []
    size = len(data)
    two = struct.Struct((section.order or "<") + "II").unpack_from
    append = packets.append
    while position + _SHORTEST_BLOCK <= size:
        kind, length = two(data, position)
        if kind == _ENHANCED:
            end = position + length
            if length < 32 or length & 3 or length > LARGEST_PACKET:
                return packets, others, position, _Walk.DAMAGED
            if end > size:
                break
            append((position, kind))
            position = end
            continue
        if kind == _SHB:
            order = _BYTE_ORDER.get(data[position + 8 : position + 12])
            if order is None:
                return packets, others, position, _Walk.DAMAGED
            length = struct.unpack_from(order + "I", data, position + 4)[0]
        if length < _SHORTEST.get(kind, _SHORTEST_BLOCK) or length & 3 or length > LARGEST_PACKET:
            return packets, others, position, _Walk.DAMAGED
        if position + length > size:
            break
        if kind in (_SIMPLE, _OLD_PACKET):
            append((position, kind))
            position += length
            continue
        if packets and kind in (_SHB, _IDB, *_RECORDS):
            return packets, others, position, _Walk.HAND_OVER  # interfaces and numbers so far are theirs
        if kind == _SHB:
            section.order = str(order)
            section.interfaces.clear()
            two = struct.Struct(section.order + "II").unpack_from
        else:
            others.extend(_other_block(kind, data[position + 8 : position + length - 4], section))
        position += length
    return packets, others, position, _Walk.NEEDS_MORE


def _other_block(kind: int, body: bytes, section: _Section) -> Iterator[CaptureItem]:
    order = section.order
    if kind == _IDB:
        link, _, snaplen = struct.unpack_from(order + "HHI", body)
        section.interfaces.append(_interface(link, snaplen, dict(_options(body[8:], order)), order))
    elif kind in _RECORDS:
        section.records += 1
    elif kind == _SECRETS and len(body) >= 8:
        secrets_type, length = struct.unpack_from(order + "II", body)
        if secrets_type == _TLS_KEY_LOG:
            yield SecretsBlock(body[8 : 8 + length])
    elif kind == _STATISTICS and len(body) >= 12:
        options = dict(_options(body[12:], order))
        counts = [
            struct.unpack(order + "Q", options[code])[0]
            for code in (_OPT_ISB_IFDROP, _OPT_ISB_OSDROP)
            if len(options.get(code, b"")) == 8
        ]
        known = [count for count in counts if count != _UNKNOWN_DROPS]
        if known:
            yield CaptureDrops(sum(known))


def _interface(link: int, snaplen: int, options: dict[int, bytes], order: str) -> _Interface:
    resolution = options.get(_OPT_IF_TSRESOL, b"\x06")[:1] or b"\x06"
    exponent = resolution[0] & 0x7F
    ticks = 2**exponent if resolution[0] & 0x80 else 10 ** min(exponent, _FINEST_DECIMAL)
    offset = options.get(_OPT_IF_TSOFFSET, b"")
    seconds = struct.unpack(order + "q", offset)[0] if len(offset) == 8 else 0
    if abs(seconds) > _FARTHEST_SECONDS:
        seconds = 0  # a time beyond what nanoseconds in 64 bits can hold
    return _Interface(link, snaplen, 1_000_000_000, ticks, seconds * 1_000_000_000)


def _options(data: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position + 4 <= len(data):
        code, length = struct.unpack_from(order + "HH", data, position)
        if code == 0:
            return
        yield code, data[position + 4 : position + 4 + length]
        position += 4 + (length + 3 & ~3)


def _pcapng_batch(data: bytes, packets: _Packets, section: _Section, number: int) -> PacketBatch:
    at = np.array([p[0] for p in packets], dtype=np.int64)
    kinds = np.array([p[1] for p in packets], dtype=np.int64)
    columns = _enhanced_columns(data, at, section.order)
    if (kinds != _ENHANCED).any():
        _old_columns(data, at, kinds, section, columns)
    interface, ticks, caplen, length, offset = columns
    room = _gather(data, at + 4, 4).view(section.order + "u4")[:, 0].astype(np.int64) + at - 4 - offset
    caplen = np.minimum(caplen, room)  # a packet never reaches beyond its block
    link, time_ns = _by_interface(interface, ticks, section.interfaces)
    numbers = np.arange(number, number + len(at), dtype=np.int64)
    return PacketBatch(data, numbers, time_ns, offset, caplen, length, link)


def _enhanced_columns(data: bytes, at: Int64s, order: str) -> list[Int64s]:
    padded = np.minimum(at + 8, len(data) - 20)
    fields = _gather(data, padded, 20).view(order + "u4").astype(np.int64)
    ticks = (fields[:, 1] << 32) | fields[:, 2]
    return [fields[:, 0], ticks, fields[:, 3], fields[:, 4], at + 28]


def _old_columns(data: bytes, at: Int64s, kinds: Int64s, section: _Section, columns: list[Int64s]) -> None:
    """Simple Packet Blocks (no time, interface 0) and Packet Blocks of old: rare, so one by one."""
    interface, ticks, caplen, length, offset = columns
    snaplen = section.interfaces[0].snaplen if section.interfaces else 0
    for row in np.flatnonzero(kinds != _ENHANCED).tolist():
        if kinds[row] == _OLD_PACKET:
            interface[row] &= 0xFFFF if section.order == "<" else 0xFFFFFFFF
            if section.order == ">":
                interface[row] >>= 16
            continue
        original = struct.unpack_from(section.order + "I", data, int(at[row]) + 8)[0]
        interface[row], ticks[row], length[row], offset[row] = 0, 0, original, at[row] + 12
        caplen[row] = min(original, snaplen) if snaplen else original


def _by_interface(interface: Int64s, ticks: Int64s, known: list[_Interface]) -> tuple[Int64s, Int64s]:
    """Link type and time in nanoseconds. A packet of an interface that was never described: link -1."""
    link = np.full(len(interface), -1, dtype=np.int64)
    time_ns = np.zeros(len(interface), dtype=np.int64)
    indices = np.unique(interface).tolist()
    for index in indices:
        if index >= len(known):
            continue
        described = known[index]
        rows = slice(None) if len(indices) == 1 else interface == index
        link[rows] = described.link
        time_ns[rows] = _nanoseconds(ticks[rows], described)
    return link, time_ns


def _nanoseconds(ticks: Int64s, interface: _Interface) -> Int64s:
    numerator, denominator = interface.numerator, interface.denominator
    if numerator % denominator == 0:
        return ticks * (numerator // denominator) + interface.offset_ns
    if denominator % numerator == 0:  # at most 10**18
        return ticks // (denominator // numerator) + interface.offset_ns
    exact = [int(t) % 2**64 * numerator // denominator + interface.offset_ns for t in ticks.tolist()]
    return np.array([t % 2**63 for t in exact], dtype=np.int64)
