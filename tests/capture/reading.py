"""Reads bytes as a capture and says what came of it, for the tests of every format."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from plainwire.capture import reader
from plainwire.model import CaptureItem, CaptureNote, PacketBatch, SecretsBlock

if TYPE_CHECKING:
    from collections.abc import Iterable

SECOND = 1_000_000_000
Packet = tuple[int, int, bytes, int, int]
"""Number, time, captured bytes, length on the wire, link type."""


class Dribble:
    """An input that gives as much at a time as ``sizes`` say, over and over."""

    trouble: str | None = None

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        self._data, self._sizes, self._turn = data, sizes, 0

    def read(self, size: int, /) -> bytes:
        allowed = min(size, self._sizes[self._turn % len(self._sizes)])
        self._turn += 1
        given, self._data = self._data[:allowed], self._data[allowed:]
        return given


def read(data: bytes, sizes: list[int] | None = None) -> list[CaptureItem]:
    """Read a file called ``x``."""
    return list(reader.read_source("x", Dribble(data, sizes or [1 << 30])))


def packets(items: Iterable[CaptureItem]) -> list[Packet]:
    found: list[Packet] = []
    for item in items:
        if isinstance(item, PacketBatch):
            columns = (item.number, item.time_ns, item.offset, item.caplen, item.length, item.link)
            assert all(column.dtype == np.int64 for column in columns)
            for number, time_ns, offset, caplen, length, link in zip(
                *(c.tolist() for c in columns), strict=True
            ):
                assert 0 <= offset <= offset + caplen <= len(item.data)
                found.append((number, time_ns, item.data[offset : offset + caplen], length, link))
    return found


def others(items: Iterable[CaptureItem]) -> list[str]:
    """Everything that is no packet, as text."""
    found = [item for item in items if not isinstance(item, PacketBatch)]
    return [item.data.decode() if isinstance(item, SecretsBlock) else repr(item) for item in found]


def notes(data: bytes) -> list[str]:
    return [item.text for item in read(data) if isinstance(item, CaptureNote)]


def secrets(items: Iterable[CaptureItem]) -> list[bytes]:
    return [item.data for item in items if isinstance(item, SecretsBlock)]
