"""Reads pcapng files (draft-ietf-opsawg-pcapng): sections of blocks, some of which are packets.

A block is ``type, total length, body, total length``. A walk goes from block to block; it only notes where
packets are, and ``_batch`` makes columns of them together. A block that changes the meaning of the packets
after it (a section, an interface) ends the walk, so that a batch never spans it.

Secrets are taken from Decryption Secrets Blocks, and from comments that consist of key log lines, which is
how captures were shared before there were such blocks.
"""

from __future__ import annotations

import enum
import struct
from array import array
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct, field

from plainwire import kernel
from plainwire.arrays import np
from plainwire.capture.header_columns import aligned_words
from plainwire.capture.key_lines import KEY_LINE
from plainwire.model import CaptureDrops, CaptureNote, PacketBatch, SecretsBlock, UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.capture.sources import Lookahead
    from plainwire.model import CaptureItem, Int64s

LARGEST_BLOCK = 64 << 20
"""A longer block is treated as a damaged length. Blocks of secrets may be large."""

SECTION_MAGIC = b"\x0a\x0d\x0d\x0a"
_BYTE_ORDER = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}
_SHB = 0x0A0D0D0A
_IDB, _OLD_PACKET, _SIMPLE, _STATISTICS, _ENHANCED, _SECRETS = 1, 2, 3, 5, 6, 10
_RECORDS = (0x0BAD, 0x40000BAD, 9)
"""Custom blocks and journal entries: not packets, but Wireshark numbers them as such."""
_KNOWN_VERSION = 1
_SHORTEST_BLOCK = 12
_SHORTEST = {_SHB: 28, _IDB: 20, _OLD_PACKET: 32, _SIMPLE: 16, _ENHANCED: 32}
_SECRET_TYPES = {
    0x544C534B: "TLS",
    0x5353484B: "SSH",
    0x57474B4C: "WireGuard",
    0x5A4E574B: "Zigbee",
    0x5A415053: "Zigbee",
    0x55414B4C: "OPC UA",
    0x45535053: "IPsec ESP",
}
_TLS_KEY_LOG = 0x544C534B
_OPT_COMMENT = 1
_OPT_IF_TSRESOL, _OPT_IF_TSOFFSET = 9, 14
_OPT_ISB_IFDROP, _OPT_ISB_OSDROP = 5, 7
_UNKNOWN_DROPS = 2**64 - 1
_FARTHEST_SECONDS = 1 << 33
_FINEST_DECIMAL = 27
"""With more digits than this, every 64-bit time is below a nanosecond."""
_NONE: array[int] = array("q")
_SHORTEST_KEY_COMMENT = 130
"""Bytes of options that hold a key log line: a packet with fewer has none, and its options are not read."""


class _Interface(NamedTuple):
    link: int
    snaplen: int
    ticks: int  # a second
    offset_ns: int


class _Section(Struct):
    """What the blocks of one section share."""

    order: str = ""
    foreign: str | None = None  # a version that nobody has defined
    interfaces: list[_Interface] = field(default_factory=list)
    records: int = 0  # blocks that were counted since the last packet, and hold none


class _End(enum.Enum):
    """Why a walk over blocks ended."""

    NEEDS_MORE = enum.auto()  # the data end
    HAND_OVER = enum.auto()  # a block that changes the meaning of packets behind it
    DAMAGED = enum.auto()  # a block whose length cannot be


class _Walk(NamedTuple):
    packets: array[int]  # offsets of their blocks
    others: list[CaptureItem]
    position: int
    end: _End
    need: int = 0  # bytes from ``position`` on


def read_pcapng(path: str, source: Lookahead, piece: int) -> Iterator[CaptureItem]:
    """Read the packets, numbered from 1 as in Wireshark, and the other contents of the blocks.

    Raises:
        UserError: the file ends inside its first block, or that block is damaged.

    """
    section = _Section()
    number, carry, need = 1, b"", 0
    while data := source.refill(carry, need, piece):
        walk = _Walk(_NONE, [], 0, _End.HAND_OVER)
        while walk.end is _End.HAND_OVER:
            walk = _walk(data, walk.position, section)
            packets = _NONE if section.foreign else walk.packets
            number += section.records
            section.records = 0
            batch = _batch(data, walk.packets, section, number) if packets else None
            # Secrets first: they stand ahead of the packets that need them.
            yield from (_named(path, item) for item in walk.others)
            if batch is not None:
                yield from _packet_comments(batch, walk.packets, section.order)
                yield batch
                number += len(walk.packets)
        if walk.end is _End.DAMAGED:
            if not section.order:
                break
            yield CaptureNote(
                f"{path}: a block behind packet {number - 1} is damaged; nothing behind it was read"
            )
            return
        carry, need = data[walk.position :], walk.need
    if not section.order:
        message = f"{path}: cut off or damaged in the file header"
        raise UserError(message)
    if carry:
        yield CaptureNote(f"{path}: cut off behind packet {number - 1}")


def _named(path: str, item: CaptureItem) -> CaptureItem:
    return CaptureNote(f"{path}: {item.text}") if isinstance(item, CaptureNote) else item


def _walk(data: bytes, position: int, section: _Section) -> _Walk:  # noqa: C901 - the hot loop
    """Collect packets and the other contents of the blocks, and say where and why the walk ended."""
    packets = array("q")
    others: list[CaptureItem] = []
    size = len(data)
    two = struct.Struct((section.order or "<") + "II").unpack_from
    append = packets.append
    need = _SHORTEST_BLOCK
    while position + _SHORTEST_BLOCK <= size:
        kind, length = two(data, position)
        if kind == _ENHANCED and not length & 3 and 32 <= length <= size - position:
            if kernel.compiled is None:
                append(position)
                position += length
            else:
                found, position = kernel.compiled.enhanced_blocks(data, position, section.order != ">")
                packets.frombytes(found)
            continue
        if kind == _SHB:
            order = _BYTE_ORDER.get(data[position + 8 : position + 12])
            if order is None:
                return _Walk(packets, others, position, _End.DAMAGED)
            length = struct.unpack_from(order + "I", data, position + 4)[0]
        if length < _SHORTEST.get(kind, _SHORTEST_BLOCK) or length & 3 or length > LARGEST_BLOCK:
            return _Walk(packets, others, position, _End.DAMAGED)
        if position + length > size:
            need = length
            break
        if kind in (_SIMPLE, _OLD_PACKET):
            append(position)
            position += length
            continue
        if packets and kind in (_SHB, _IDB, *_RECORDS):
            # Interfaces and numbers so far are theirs.
            return _Walk(packets, others, position, _End.HAND_OVER)
        body = data[position + 8 : position + length - 4]
        if kind == _SHB:
            others.extend(_begin_section(body, str(order), section))
            two = struct.Struct(section.order + "II").unpack_from
        elif not section.foreign:
            others.extend(_other_block(kind, body, section))
        position += length
    return _Walk(packets, others, position, _End.NEEDS_MORE, need)


def _begin_section(body: bytes, order: str, section: _Section) -> Iterator[CaptureItem]:
    section.order = order
    section.interfaces.clear()
    major, minor = struct.unpack_from(order + "HH", body, 4)
    section.foreign = None if major == _KNOWN_VERSION else f"{major}.{minor}"
    if section.foreign:
        yield CaptureNote(f"a section in version {section.foreign} of pcapng was passed over")
    yield from _secrets_in_comments(body[16:], order)


def _other_block(kind: int, body: bytes, section: _Section) -> Iterator[CaptureItem]:
    order = section.order
    if kind == _IDB:
        link, _, snaplen = struct.unpack_from(order + "HHI", body)
        section.interfaces.append(_interface(link, snaplen, dict(_options(body[8:], order)), order))
        yield from _secrets_in_comments(body[8:], order)
    elif kind in _RECORDS:
        section.records += 1
    elif kind == _SECRETS and len(body) >= 8:
        yield _secrets(body, order)
    elif kind == _STATISTICS and len(body) >= 12:
        yield from _drops(dict(_options(body[12:], order)), order)


def _secrets(body: bytes, order: str) -> CaptureItem:
    secrets_type, length = struct.unpack_from(order + "II", body)
    if secrets_type == _TLS_KEY_LOG:
        return SecretsBlock(body[8 : 8 + length])
    name = _SECRET_TYPES.get(secrets_type, f"type 0x{secrets_type:x}")
    return CaptureNote(f"secrets of {name} were passed over: only those of TLS are used")


def _drops(options: dict[int, bytes], order: str) -> Iterator[CaptureDrops]:
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
    return _Interface(link, snaplen, ticks, seconds * 1_000_000_000)


def _options(data: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    position = 0
    while position + 4 <= len(data):
        code, length = struct.unpack_from(order + "HH", data, position)
        if code == 0:
            return
        yield code, data[position + 4 : position + 4 + length]
        position += 4 + (length + 3 & ~3)


def _secrets_in_comments(options: bytes, order: str) -> Iterator[SecretsBlock]:
    """Comments in which every line is a key log line. Any other text stays a comment."""
    for code, value in _options(options, order):
        lines = [line for line in map(bytes.strip, value.strip(b"\0").splitlines()) if line]
        if code == _OPT_COMMENT and lines and all(KEY_LINE.fullmatch(line) for line in lines):
            yield SecretsBlock(b"\n".join(lines) + b"\n")


def _packet_comments(batch: PacketBatch, blocks: array[int], order: str) -> Iterator[SecretsBlock]:
    """Key log lines in the comments of packets."""
    at = np.array(blocks, dtype=np.int64)
    start = batch.offset + (batch.caplen + 3 & ~3)
    end = at + aligned_words(batch.data, at, 1, order) - 4
    for row in np.flatnonzero(end - start >= _SHORTEST_KEY_COMMENT).tolist():
        yield from _secrets_in_comments(batch.data[int(start[row]) : int(end[row])], order)


# --- packets to columns -------------------------------------------------------------------------------


def _batch(data: bytes, packets: array[int], section: _Section, number: int) -> PacketBatch:
    order = section.order
    at = np.array(packets, dtype=np.int64)
    # The shortest kind of packet block has 16 bytes, so that the data may end before the 28 of this header.
    header = data if packets[-1] + 28 <= len(data) else data + bytes(28)
    kinds, lengths, interface, high, low, caplen, length = (
        aligned_words(header, at, number, order) for number in range(7)
    )
    offset = at + 28
    ticks = (high << 32) | low
    for row in np.flatnonzero(kinds != _ENHANCED).tolist():
        if kinds[row] == _OLD_PACKET:  # as an Enhanced Packet Block, but for half of the first word
            interface[row] = interface[row] & 0xFFFF if order == "<" else interface[row] >> 16
            continue
        # A Simple Packet Block: no time, interface 0, cut at that one's snap length.
        original = struct.unpack_from(order + "I", data, int(at[row]) + 8)[0]
        snaplen = section.interfaces[0].snaplen if section.interfaces else 0
        interface[row], ticks[row], length[row], offset[row] = 0, 0, original, at[row] + 12
        caplen[row] = min(original, snaplen) if snaplen else original
    caplen = np.minimum(caplen, at + lengths - 4 - offset)  # a packet never reaches beyond its block
    link, time_ns = _by_interface(interface, ticks, section.interfaces)
    numbers = np.arange(number, number + len(at), dtype=np.int64)
    return PacketBatch(data, numbers, time_ns, offset, caplen, length, link)


def _by_interface(interface: Int64s, ticks: Int64s, known: list[_Interface]) -> tuple[Int64s, Int64s]:
    """Link type and time in nanoseconds. A packet of an interface that was never described has link -1."""
    link = np.full(len(interface), -1, dtype=np.int64)
    time_ns = np.zeros(len(interface), dtype=np.int64)
    indices = sorted(set(interface.tolist()))
    for index in indices:
        if index >= len(known):
            continue
        described = known[index]
        rows = slice(None) if len(indices) == 1 else interface == index
        link[rows] = described.link
        time_ns[rows] = _nanoseconds(ticks[rows], described)
    return link, time_ns


def _nanoseconds(ticks: Int64s, interface: _Interface) -> Int64s:
    second, denominator = 1_000_000_000, interface.ticks
    if second % denominator == 0:
        return ticks * (second // denominator) + interface.offset_ns
    if denominator % second == 0:  # at most 10**18
        return ticks // (denominator // second) + interface.offset_ns
    exact = [int(t) % 2**64 * second // denominator + interface.offset_ns for t in ticks.tolist()]
    return np.array([t % 2**63 for t in exact], dtype=np.int64)
