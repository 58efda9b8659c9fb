"""Which UDP datagrams may be QUIC: quick to import, since most captures have UDP but no QUIC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.arrays import distinct, np
from plainwire.quic import headers, versions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from plainwire.model import DatagramBatch

    Bools = NDArray[np.bool_]

HTTPS = 443
SMALLEST_SHORT = 21
"""Least bytes of a datagram with a short header (RFC 9000 section 10.3)."""

GOOGLE_MASK, GOOGLE_BITS = 0x89, 0x09
"""Bits of the first byte in Google's QUIC before Q044: a version and a connection id follow."""

_GOOGLE_VERSIONS = (0x5130, 0x5430)  # "Q0", "T0"
_KNOWN = (0, *versions.VERSIONS)
SMALLEST_INITIAL = 1200  # RFC 9000 section 14.1


def begins(batch: DatagramBatch) -> Bools:
    """For each datagram, whether it can be the first of a connection, by its first bytes."""
    filled = batch.captured > 0
    if not filled.any():
        return filled
    data = np.frombuffer(batch.data, dtype=np.uint8)
    last = len(data) - 1
    first = _first_bytes(batch)
    version = np.zeros(len(first), dtype=np.int64)
    for byte in range(1, 5):
        version = version << 8 | data[np.minimum(batch.offset + byte, last)]
    named = np.isin(version, _KNOWN) | (version & 0x0F0F0F0F == 0x0A0A0A0A) | (version >> 8 == 0xFF0000)
    named |= np.isin(version >> 16, _GOOGLE_VERSIONS) | (batch.length >= SMALLEST_INITIAL)
    found: Bools = filled & (first & headers.LONG != 0) & named
    found |= filled & (first & GOOGLE_MASK == GOOGLE_BITS)
    return found


def short(batch: DatagramBatch) -> Bools:
    """For each datagram, whether it may be a packet with a short header."""
    filled = batch.captured > 0
    if not filled.any():
        return filled
    first = _first_bytes(batch)
    found: Bools = filled & (first & headers.LONG == 0) & (first & headers.FIXED != 0)
    return found


def worth_reading(batch: DatagramBatch) -> bool:
    """Whether there is anything for the assembler to read or count while no connection is open."""
    if begins(batch).any():
        return True
    rows = short(batch) & (batch.captured >= SMALLEST_SHORT)
    if not rows.any():
        return False
    ends = distinct(np.concatenate((batch.source[rows], batch.target[rows])))
    return any(batch.endpoints[number].port == HTTPS for number in ends.tolist())


def _first_bytes(batch: DatagramBatch) -> NDArray[np.uint8]:
    data = np.frombuffer(batch.data, dtype=np.uint8)
    first: NDArray[np.uint8] = data[np.minimum(batch.offset, len(data) - 1)]
    return first
