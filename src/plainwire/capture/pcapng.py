"""Writing pcapng (https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-02.html).

A file is a row of blocks, each ``type, total length, body, total length`` (32 bits each, bodies padded
to 4 bytes)::

    Section Header      byte order, who wrote it
    Interface           link type, snap length, unit of the times
    Decryption Secrets  the key log: put here at the end, ahead of the packets, for readers of one pass
    Enhanced Packet     one a packet
    ...
    Interface Statistics  what the kernel received and dropped, last

Only whole blocks are written, each as soon as it exists, so that every reader can read the file however we
end. If the disk fills up, the file is cut back to its last whole block.
"""

from __future__ import annotations

import errno
import itertools
import os
import platform
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol

from plainwire.capture import key_lines
from plainwire.folder import OpenFile, held, new_file
from plainwire.model import CaptureDrops, PacketBatch, UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from plainwire.folder import Folder
    from plainwire.model import CaptureItem

SECTION, INTERFACE, SIMPLE_PACKET, STATISTICS, PACKET, SECRETS = 0x0A0D0D0A, 1, 3, 5, 6, 10
OBSOLETE_PACKET = 2
_PACKETS = (PACKET, SIMPLE_PACKET, OBSOLETE_PACKET)
_COUNTED = (*_PACKETS, 0x0BAD, 0x40000BAD, 9)
"""Custom blocks and journal entries are not packets, but Wireshark numbers them as such."""
_TLS_KEY_LOG = 0x544C534B
_ORDER_MAGIC = 0x1A2B3C4D
_LARGEST_BLOCK = 1 << 28
_SMALLEST_BLOCK = 12
_PIECE = 4 << 20
_MOST_SECRETS = 8 << 20
"""Approximate bytes of key log lines in a block: Wireshark accepts blocks of 16 MB at most, we of 64."""
_MICROSECONDS, _NANOSECONDS = 6, 9  # if_tsresol: negative power of ten

_EPB = struct.Struct("=IIIIIII")
_TAILS = tuple(struct.Struct(f"={padding}xI") for padding in range(4))


def _block(kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    length = struct.pack("=I", len(body) + 12)
    return struct.pack("=I", kind) + length + body + length


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("=HH", code, len(value)) + value + bytes(-len(value) % 4)


def file_header(interface: str, link: int, snaplen: int) -> bytes:
    """Section and interface blocks. Times are in microseconds."""
    options = _option(3, platform.platform().encode()) + _option(4, b"plainwire")
    section = _block(SECTION, struct.pack("=IHHq", _ORDER_MAGIC, 1, 0, -1) + options + bytes(4))
    options = _option(2, interface.encode()) + _option(9, bytes([_MICROSECONDS])) + bytes(4)
    return section + _block(INTERFACE, struct.pack("=HHI", link, 0, snaplen) + options)


def packet_blocks(pieces: list[bytes]) -> Callable[[float, int, bytes], None]:
    """Make a function ``(time, length, data)`` that appends one packet's block, in pieces, to ``pieces``.

    ``time`` is in seconds since the epoch, exact to the microsecond; ``length`` is the length on the wire.
    A closure over bound methods, since this runs once a packet.
    """
    append, pack, tails = pieces.append, _EPB.pack, [tail.pack for tail in _TAILS]

    def add(time: float, length: int, data: bytes) -> None:
        micros = int(time * 1e6 + 0.5)
        captured = len(data)
        padding = -captured & 3
        total = 32 + captured + padding
        append(pack(PACKET, total, 0, micros >> 32, micros & 0xFFFFFFFF, captured, length))
        append(data)
        append(tails[padding](total))

    return add


class WrittenPacket(NamedTuple):
    """A packet to write: its time, link type, length on the wire, and comment (or none)."""

    time_ns: int
    link: int
    length: int
    data: bytes
    comment: str = ""


def file_of(packets: Sequence[WrittenPacket], key_log: bytes, dropped: int | None) -> Iterator[bytes]:
    """A whole file: packets in nanoseconds, an interface for each link type, secrets before the packets.

    Nothing in it identifies the machine that writes it.
    """
    yield _nameless_section()
    links = {link: index for index, link in enumerate(dict.fromkeys(packet.link for packet in packets))}
    for link in links:
        yield _nameless_interface(link)
    yield from _secrets(key_log.splitlines(), "<" if sys.byteorder == "little" else ">")
    for packet in packets:
        yield _packet(packet, links[packet.link])
    if packets and dropped is not None:
        yield _dropped(dropped, packets[-1].time_ns)


def file_of_items(items: Iterable[CaptureItem]) -> Iterator[bytes]:
    """A whole file of what readers of captures gave: the packets as they were, and how many were lost."""
    yield _nameless_section()
    links: dict[int, int] = {}
    dropped, last = None, 0
    for item in items:
        if isinstance(item, CaptureDrops):
            dropped = (dropped or 0) + item.count
        if not isinstance(item, PacketBatch):
            continue
        columns = (item.time_ns, item.link, item.length, item.offset, item.caplen)
        for time_ns, link, length, offset, captured in zip(*(c.tolist() for c in columns), strict=True):
            if link not in links:
                links[link] = len(links)
                yield _nameless_interface(link)
            data = item.data[offset : offset + captured]
            yield _packet(WrittenPacket(time_ns, link, length, data), links[link])
            last = time_ns
    if links and dropped is not None:
        yield _dropped(dropped, last)


def _nameless_section() -> bytes:
    return _block(SECTION, struct.pack("=IHHq", _ORDER_MAGIC, 1, 0, -1) + _option(4, b"plainwire") + bytes(4))


def _nameless_interface(link: int) -> bytes:
    options = _option(9, bytes([_NANOSECONDS])) + bytes(4)
    return _block(INTERFACE, struct.pack("=HHI", link, 0, 0) + options)


def _packet(packet: WrittenPacket, interface: int) -> bytes:
    captured = len(packet.data)
    ticks = packet.time_ns >> 32 & 0xFFFFFFFF, packet.time_ns & 0xFFFFFFFF
    body = struct.pack("=IIIII", interface, *ticks, captured, packet.length & 0xFFFFFFFF)
    body += packet.data + bytes(-captured % 4)
    if packet.comment:
        body += _option(1, packet.comment.encode()) + bytes(4)
    return _block(PACKET, body)


def _dropped(count: int, time_ns: int) -> bytes:
    options = _option(5, struct.pack("=Q", count)) + bytes(4)
    return _block(
        STATISTICS, struct.pack("=III", 0, time_ns >> 32 & 0xFFFFFFFF, time_ns & 0xFFFFFFFF) + options
    )


def statistics(received: int, dropped: int, time_us: int) -> bytes:
    """The last block: what the kernel counted (``isb_ifrecv``, ``isb_ifdrop``)."""
    options = _option(4, struct.pack("=Q", received)) + _option(5, struct.pack("=Q", dropped)) + bytes(4)
    return _block(STATISTICS, struct.pack("=III", 0, time_us >> 32, time_us & 0xFFFFFFFF) + options)


class BlockFile:
    """A new file (0600) of whole blocks. After a failure (full disk) it stays as it was and takes no more.

    It is created at a path, or is an open, empty file. ``trouble`` says what failed; None while all is well.
    """

    def __init__(self, file: Path | OpenFile, header: bytes = b"") -> None:
        try:
            self._descriptor = new_file(file) if isinstance(file, Path) else os.dup(file.descriptor)
        except OSError as error:
            message = f"{file}: {error.strerror}"
            raise UserError(message) from error
        self._size = 0
        self.trouble: str | None = None
        self.write(header)
        if self.trouble:
            self.close()
            message = f"{file}: {self.trouble}"
            raise UserError(message)

    def write(self, blocks: bytes) -> None:
        """Append whole blocks."""
        done = 0
        while done < len(blocks) and self.trouble is None:
            try:
                done += os.write(self._descriptor, memoryview(blocks)[done:])
            except OSError as error:
                self.trouble = error.strerror
                done = whole_blocks(blocks, done)
                os.ftruncate(self._descriptor, self._size + done)
        self._size += done

    def close(self) -> None:
        """Nothing is written after this."""
        os.close(self._descriptor)


def whole_blocks(data: bytes | bytearray, limit: int) -> int:
    """The size of the whole blocks within the first ``limit`` bytes (in this machine's byte order)."""
    end = 0
    while end + 8 <= limit:
        (length,) = struct.unpack_from("=I", data, end + 4)
        if length < _SMALLEST_BLOCK or end + length > limit:
            break
        end += length
    return end


class BlockSink(Protocol):
    """What a capture is written to: a file, or several one after the other. ``trouble`` ends the capture."""

    trouble: str | None

    def write(self, blocks: bytes) -> None:
        """Append whole blocks."""

    def close(self) -> None:
        """Nothing is written after this."""


CaptureTarget = Path | OpenFile | Callable[[bytes], BlockSink]
"""Where a capture is to go: a new file, an open one, or what is made of the header that begins each file."""


def sink(target: CaptureTarget, header: bytes) -> BlockSink:
    """Begin a capture with its header.

    Raises:
        UserError: the file cannot be written.

    """
    return BlockFile(target, header) if isinstance(target, Path | OpenFile) else target(header)


def joined(sources: Sequence[BinaryIO], target: BinaryIO) -> None:
    """Write capture files that have the same header as one, packets as they are, one file behind the other.

    Raises:
        OSError: one is no pcapng file, or there is no room.

    """
    for number, source in enumerate(sources):
        head = _first_packet(source, _order(source))
        if number == 0:
            source.seek(0)
            target.write(source.read(head))
            target.flush()
        size = os.fstat(source.fileno()).st_size
        while head < size and (sent := os.sendfile(target.fileno(), source.fileno(), head, size - head)):
            head += sent


def embed_secrets(
    path: Path, key_log: bytes | BinaryIO, place: Folder | None = None, keep: bytes | bytearray | None = None
) -> int:
    """Put a key log into the capture file, before its packets, and return the number of lines.

    Other lines are left out, and each goes in once. The file is replaced by a rename, so that at every moment
    it is either as it was or complete. ``place`` is the open folder that it is in. ``keep`` says which
    packets stay, one byte for each; without it, all do.

    Raises:
        UserError: it cannot be done (full disk, not a pcapng file). The file is as it was.

    """
    texts = [key_log] if isinstance(key_log, bytes) else key_lines.pieces(key_log)
    lines = key_lines.lines(texts)
    first = next(lines, None)
    if first is None and keep is None:
        return 0
    place, count = place or held(path.parent), 0

    def counted() -> Iterator[bytes]:
        nonlocal count
        for line in () if first is None else itertools.chain((first,), lines):
            count += 1
            yield line

    try:
        with os.fdopen(place.open(path.name).reader(), "rb") as source:
            place.replace(path.name, lambda target: _copy(source, target, counted(), keep))
    except OSError as error:
        message = f"{path.name} could not be completed: {error.strerror}"
        raise UserError(message) from error
    return count


def _copy(
    source: BinaryIO, target: BinaryIO, key_lines: Iterable[bytes], keep: bytes | bytearray | None
) -> None:
    order = _order(source)
    head = _first_packet(source, order)
    source.seek(0)
    target.write(source.read(head))
    target.writelines(_secrets(key_lines, order))
    if keep is not None:
        target.writelines(_kept(source, order, keep))
        return
    target.flush()
    size = os.fstat(source.fileno()).st_size
    while head < size and (sent := os.sendfile(target.fileno(), source.fileno(), head, size - head)):
        head += sent


def _kept(source: BinaryIO, order: str, keep: bytes | bytearray) -> Iterator[bytes]:
    """The rest of the file, without the packets that do not stay, up to its last whole block."""
    two, number, rest = struct.Struct(f"{order}II").unpack_from, 0, b""
    while piece := source.read(_PIECE):
        data = rest + piece
        start = at = 0
        while at + _SMALLEST_BLOCK <= len(data):
            kind, length = two(data, at)
            if not _SMALLEST_BLOCK <= length <= _LARGEST_BLOCK:
                yield data[start:at]
                return
            if at + length > len(data):
                break
            if kind in _COUNTED:
                number += 1
                if kind in _PACKETS and not (number <= len(keep) and keep[number - 1]):
                    yield data[start:at]
                    start = at + length
            at += length
        yield data[start:at]
        rest = data[at:]


def _secrets(key_lines: Iterable[bytes], order: str) -> Iterator[bytes]:
    """Decryption Secrets Blocks with these lines, none so long that readers treat its length as damaged."""
    gathered: list[bytes] = []
    size = 0
    for line in key_lines:
        gathered += line, b"\n"
        size += len(line) + 1
        if size >= _MOST_SECRETS:
            yield _secrets_block(b"".join(gathered), order)
            gathered, size = [], 0
    if gathered:
        yield _secrets_block(b"".join(gathered), order)


def _secrets_block(secrets: bytes, order: str) -> bytes:
    body = struct.pack(f"{order}II", _TLS_KEY_LOG, len(secrets)) + secrets + bytes(-len(secrets) % 4)
    length = struct.pack(f"{order}I", len(body) + 12)
    return struct.pack(f"{order}I", SECRETS) + length + body + length


def _order(source: BinaryIO) -> str:
    start = source.read(12)
    for order in "<>":
        if start[:4] == struct.pack(">I", SECTION) and start[8:] == struct.pack(f"{order}I", _ORDER_MAGIC):
            return order
    raise OSError(errno.EINVAL, "not a pcapng file")


def _first_packet(source: BinaryIO, order: str) -> int:
    """The offset of the first packet's block: interfaces are described before it."""
    end = 0
    for kind, length in _blocks(source, order):
        if kind in _PACKETS:
            break
        end += length
    return end


def _blocks(source: BinaryIO, order: str) -> Iterator[tuple[int, int]]:
    """Type and length of the complete blocks."""
    size, at = os.fstat(source.fileno()).st_size, 0
    while at + _SMALLEST_BLOCK <= size:
        source.seek(at)
        kind, length = struct.unpack(f"{order}II", source.read(8))
        if not _SMALLEST_BLOCK <= length <= min(size - at, _LARGEST_BLOCK):
            return
        yield kind, length
        at += length
