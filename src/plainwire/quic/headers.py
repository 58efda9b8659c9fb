"""Packet headers, the unprotected parts: RFC 8999, RFC 9000 section 17."""

from __future__ import annotations

import struct
from typing import NamedTuple

from plainwire.quic.integers import varint
from plainwire.quic.versions import VERSIONS, Form

LONG, FIXED = 0x80, 0x40
LONGEST_ID = 20
"""Bytes of a connection id in versions 1 and 2 (RFC 9000 section 17.2)."""

SHORTEST_FIRST_ID = 8
"""Least bytes of the one that a client chooses for its first packet (RFC 9000 section 7.2)."""

_TAG = 16


class LongHeader(NamedTuple):
    """A packet with a long header. Offsets are in the datagram; ``end`` may be beyond its end."""

    form: Form
    version: int
    target: bytes
    """Destination connection id."""
    source: bytes
    token: bytes
    """Of an Initial or a Retry."""
    start: int
    number_at: int
    """Where the protected packet number begins."""
    end: int


def read_long(data: bytes, start: int = 0) -> LongHeader | None:
    """The long header at ``start``; None if it is cut or invalid."""
    try:
        return _read_long(data, start)
    except (IndexError, struct.error):
        return None


def _read_long(data: bytes, start: int) -> LongHeader | None:
    (number,) = struct.unpack_from(">I", data, start + 1)
    size = data[start + 5]
    at = start + 6 + size
    target = data[start + 6 : at]
    own_size = data[at]
    source = data[at + 1 : at + 1 + own_size]
    at += 1 + own_size
    if at > len(data):
        return None
    version = VERSIONS.get(number)
    if version is None:
        form = Form.UNKNOWN if number else Form.VERSION_NEGOTIATION
        return LongHeader(form, number, target, source, b"", start, at, len(data))
    if max(size, own_size) > LONGEST_ID:
        return None
    form = version.forms[data[start] >> 4 & 3]
    if form is Form.RETRY:
        return _retry(LongHeader(form, number, target, source, b"", start, at, len(data)), data)
    token = b""
    if form is Form.INITIAL:
        length, at = varint(data, at)
        token = data[at : at + length]
        at += length
    length, at = varint(data, at)
    return LongHeader(form, number, target, source, token, start, at, at + length)


def _retry(header: LongHeader, data: bytes) -> LongHeader | None:
    if VERSIONS[header.version].retry_key:
        end = len(data) - _TAG
        return header._replace(token=data[header.number_at : end]) if end >= header.number_at else None
    at = header.number_at + 1 + data[header.number_at]  # the connection id that it answers
    return header._replace(token=data[at:])


def offered_versions(data: bytes, header: LongHeader) -> list[int]:
    """The versions that a Version Negotiation packet lists (RFC 9000 section 17.2.1)."""
    count = min((len(data) - header.number_at) // 4, 256)
    return list(struct.unpack_from(f">{count}I", data, header.number_at))
