"""Reads pcap files (draft-ietf-opsawg-pcap) of every kind that Wireshark knows.

A file header of 24 bytes and then, for each packet, a record header of four words (seconds, fraction,
captured length, length on the wire) and the captured bytes. What differs from writer to writer:

* byte order, and microseconds or nanoseconds: by the magic number;
* patched versions of libpcap put more into each record header: 24 bytes (Kuznetsov's) or 28 (SuSE 6.3)
  behind a magic number of their own; 24 (Red Hat 6.1) or 20 (Nokia) behind the usual one. These are told
  by looking at where the second record has to be;
* before version 2.3 the two lengths stand the other way round, in 2.3 either way: the smaller is captured;
* IXIA's files have one more word behind the file header.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from plainwire.arrays import np
from plainwire.capture.header_columns import words
from plainwire.model import CaptureNote, PacketBatch, UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from plainwire.capture.sources import Lookahead
    from plainwire.model import CaptureItem


LARGEST_PACKET = 1 << 20
"""A longer packet is treated as a damaged length. libpcap itself writes at most 256 KB."""

_HEADER = 24
_STANDARD, _REDHAT, _NOKIA, _KUZNETSOV, _SUSE = 16, 24, 20, 24, 28
_LONGEST_RECORD_HEADER = 28
_NAMES = {
    _REDHAT: "Red Hat 6.1's patched libpcap",
    _NOKIA: "Nokia's libpcap",
    _SUSE: "SuSE 6.3's patched libpcap",
}
_PROBABLE_SPAN = 366 * 86_400
"""Seconds: the second packet of a file in another layout has to be within this of the first."""


class _Kind(NamedTuple):
    """What a magic number says."""

    order: str
    nanoseconds: int  # of one tick
    record_headers: tuple[int, ...]
    more_header: int = 0  # bytes behind the file header


def _both_orders(magic: int, nanoseconds: int, headers: tuple[int, ...], more: int = 0) -> dict[bytes, _Kind]:
    return {struct.pack(order + "I", magic): _Kind(order, nanoseconds, headers, more) for order in ("<", ">")}


_KINDS = {
    **_both_orders(0xA1B2C3D4, 1000, (_STANDARD, _REDHAT, _NOKIA)),
    **_both_orders(0xA1B23C4D, 1, (_STANDARD,)),
    **_both_orders(0xA1B2CD34, 1000, (_KUZNETSOV, _SUSE)),
    **_both_orders(0x1C0001AC, 1000, (_STANDARD,), 4),  # IXIA, by hardware
    **_both_orders(0x1C0001AB, 1000, (_STANDARD,), 4),  # IXIA, by software
}


class _Layout(NamedTuple):
    """The layout of one file's records."""

    kind: _Kind
    header: int  # bytes of a record header
    either_way: bool  # which of the lengths is which is not fixed
    link: int


def is_pcap(head: bytes) -> bool:
    """Whether a file begins like a pcap file (4 bytes are enough)."""
    return head[:4] in _KINDS


def read_pcap(path: str, source: Lookahead, piece: int) -> Iterator[CaptureItem]:
    """Read the packets, numbered from 1.

    Raises:
        UserError: the file ends inside its header.

    """
    layout = _header(path, source)
    if layout.header not in (layout.kind.record_headers[0], _STANDARD):
        yield CaptureNote(f"{path}: read as written by {_NAMES[layout.header]}")
    walk = _walk_old if layout.either_way else _walk
    number, carry, need = 1, b"", 0
    while data := source.refill(carry, need, piece):
        offsets, position, need = walk(data, layout)
        if offsets:
            batch, zeros = _batch(data, offsets, layout, number)
            number += len(batch.number)
            if len(batch.number):
                yield batch
            if zeros:
                yield CaptureNote(f"{path}: nothing but zeros behind packet {number - 1}; read up to there")
                return
        if need > LARGEST_PACKET + layout.header:
            yield CaptureNote(f"{path}: packet {number} has an impossible length; nothing behind it was read")
            return
        carry = data[position:]
    if carry:
        yield CaptureNote(f"{path}: cut off in packet {number}")


def _header(path: str, source: Lookahead) -> _Layout:
    kind = _KINDS[source.peek(4)]
    head = source.peek(_HEADER + kind.more_header)
    if len(head) < _HEADER + kind.more_header:
        message = f"{path}: cut off inside the file header"
        raise UserError(message)
    minor, link = struct.unpack_from(kind.order + "6xH12xI", head)
    header = _record_header(source, kind, len(head))
    source.skip(len(head))
    # Of the link type only the lower half is one: the rest is about frame check sequences.
    return _Layout(kind, header, minor <= 3 or minor == 543, link & 0xFFFF)


def _record_header(source: Lookahead, kind: _Kind, start: int) -> int:
    """The size of the record headers: the first layout with a credible header after packet 1."""
    record = struct.Struct(kind.order + "IIII")
    first = source.peek(start + record.size)[start:]
    usual = kind.record_headers[0]
    if len(kind.record_headers) == 1 or len(first) < record.size:
        return usual
    seconds, *_, one, other = record.unpack(first)
    captured = min(one, other)
    if captured > LARGEST_PACKET:
        return usual
    begin = source.peek(start + captured + _LONGEST_RECORD_HEADER + record.size)
    for header in kind.record_headers:
        second = begin[start + header + captured :][: record.size]
        if len(second) == record.size and _is_credible(record.unpack(second), seconds):
            return header
    return usual


def _is_credible(fields: tuple[int, ...], first_seconds: int) -> bool:
    seconds, fraction, one, other = fields
    return (
        fraction < 1_000_000
        and max(one, other) <= LARGEST_PACKET
        and abs(seconds - first_seconds) < _PROBABLE_SPAN
    )


def _walk(data: bytes, layout: _Layout) -> tuple[list[int], int, int]:
    """Where each complete record begins; where the walk ended; how many bytes the record there needs.

    The hot loop.
    """
    length_at = struct.Struct(layout.kind.order + "I").unpack_from
    header, largest = layout.header, LARGEST_PACKET
    offsets: list[int] = []
    append = offsets.append
    position, size = 0, len(data)
    while position + header <= size:
        (captured,) = length_at(data, position + 8)
        end = position + header + captured
        if end > size or captured > largest:
            return offsets, position, header + captured
        append(position)
        position = end
    return offsets, position, header


def _walk_old(data: bytes, layout: _Layout) -> tuple[list[int], int, int]:
    """As ``_walk``, where the smaller of the two lengths is the captured one."""
    lengths_at = struct.Struct(layout.kind.order + "II").unpack_from
    offsets: list[int] = []
    position, size = 0, len(data)
    while position + layout.header <= size:
        captured = min(lengths_at(data, position + 8))
        end = position + layout.header + captured
        if end > size or captured > LARGEST_PACKET:
            return offsets, position, layout.header + captured
        offsets.append(position)
        position = end
    return offsets, position, layout.header


def _batch(data: bytes, offsets: list[int], layout: _Layout, number: int) -> tuple[PacketBatch, bool]:
    """The packets as columns, and whether a record header of zeros ended them.

    A machine that stopped leaves such zeros, or a hole in the file: no packet is empty and from the year
    1970.
    """
    at = np.array(offsets, dtype=np.int64)
    fields = words(data, at, 4, layout.kind.order)
    zeros = not fields[:, 2].all() and not fields.any(axis=1).all()
    if zeros:
        end = int(np.argmin(fields.any(axis=1)))
        at, fields = at[:end], fields[:end]
    captured, length = fields[:, 2], fields[:, 3]
    if layout.either_way:
        captured, length = np.minimum(captured, length), np.maximum(captured, length)
    batch = PacketBatch(
        data=data,
        number=np.arange(number, number + len(at), dtype=np.int64),
        time_ns=fields[:, 0] * 1_000_000_000 + fields[:, 1] * layout.kind.nanoseconds,
        offset=at + layout.header,
        caplen=captured,
        length=length,
        link=np.full(len(at), layout.link, dtype=np.int64),
    )
    return batch, zeros
