"""What a Go program says: its system call write(2) is patched (``stub.calls``), and copies what went out.

Behind the ring (``ring``), in the same memory: pieces of 1,024 bytes, of which each write takes as many as
it needs, the first with a head: which piece it is, counted from 1 (written last); how many bytes; the
descriptor. What is newest is kept. The program may write anything there.
"""

from __future__ import annotations

import mmap
import struct
from typing import TYPE_CHECKING, Any

from plainwire.acquire import output_file, ring

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

AT, PIECE, PIECES = ring.SIZE, 1024, 1024
MOST = 65_520
"""Bytes of one write that are kept."""
ENOUGH = 65_536
"""Pieces; a program that writes more is not looked at any further: those are data."""
HEAD = 16
SIZE = AT + PIECE * PIECES + (1 << 16) + PIECE
"""Of the whole memory: a write that begins in the last piece goes on behind it."""
COUNT_AT, SILENT_AT = 8, 16
"""How many pieces were begun; whether the program may be in a sandbox, so that nothing is asked for it."""


def said(memory: int, pid: int, read_elsewhere: Collection[int]) -> list[dict[str, Any]]:
    """Events for the words of a program. ``read_elsewhere``: outputs of which they are known already."""
    words = {
        descriptor: bytearray() for descriptor in output_file.OUTPUTS if descriptor not in read_elsewhere
    }
    with mmap.mmap(memory, SIZE, access=mmap.ACCESS_READ) as data:
        for descriptor, text in _writes(data):
            if descriptor in words:
                words[descriptor] += text
    return [
        event
        for descriptor, text in words.items()
        for event in output_file.events(
            output_file.telling(bytes(text[-output_file.MOST :]), descriptor), descriptor, pid
        )
    ]


def _writes(data: mmap.mmap) -> Iterator[tuple[int, bytes]]:
    (count,) = struct.unpack_from("<I", data, COUNT_AT)
    number = max(count - PIECES, 0)
    while number < count:
        at = AT + number % PIECES * PIECE
        whole, size, descriptor = struct.unpack_from("<III", data, at)
        if whole != number + 1 or size > MOST:  # not begun there, or not written to its end
            number += 1
            continue
        yield descriptor, data[at + HEAD : at + HEAD + size] + (b"\n" if size == MOST else b"")
        number += (size + HEAD + PIECE - 1) // PIECE


def lines(events: Iterable[dict[str, Any]]) -> set[str]:
    """All lines that are in words."""
    return {line for event in events if "text" in event for line in event["text"].splitlines()}


def without(events: Iterable[dict[str, Any]], known: Collection[str]) -> Iterator[dict[str, Any]]:
    """Events whose words lack lines that another process wrote before this one passed them on."""
    for event in events:
        if "text" not in event:
            yield event
            continue
        kept = [line for line in event["text"].splitlines(keepends=True) if line.rstrip("\r\n") not in known]
        if kept:
            yield {**event, "text": "".join(kept)}
