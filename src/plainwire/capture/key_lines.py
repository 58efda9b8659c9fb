"""Key logs as files: what a line looks like, and how much is read of a file that claims to be one.

The program under study writes its key log: it may be of any size, empty, or nothing but line ends. So it is
read in pieces of whole lines, up to a limit.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LARGEST_KEY_LOG = 256 << 20
"""Bytes: some 700,000 connections of TLS 1.3."""
_PIECE = 4 << 20
_LINE_ENDS = re.compile(rb"[\r\n]+")

KEY_LINE = re.compile(
    rb"[A-Z][A-Z0-9_]{2,39} [0-9a-fA-F]{64} (?:[0-9a-fA-F]{2}){16,1024}"
    rb"|RSA Session-ID:(?:[0-9a-fA-F]{2}){0,32} Master-Key:[0-9a-fA-F]{96}"
    rb"|RSA [0-9a-fA-F]{16} [0-9a-fA-F]{96}"
)
"""A line of a key log, whatever its label: a secret by client random, by session id, by encrypted premaster
secret."""


def pieces(file: BinaryIO, most: int = LARGEST_KEY_LOG) -> Iterator[bytes]:
    """Yield the first ``most`` bytes of a file in pieces of whole lines, without empty ones.

    A line longer than a piece is cut: no key log has one.
    """
    taken, rest = 0, b""
    while taken < most and (piece := file.read(min(_PIECE, most - taken))):
        taken += len(piece)
        data = rest + _LINE_ENDS.sub(b"\n", piece)
        end = data.rfind(b"\n") + 1
        if end == 0 and len(data) >= _PIECE:
            end = len(data)
        if end:
            yield data[:end]
        rest = data[end:]
    if rest:
        yield rest


def lines(texts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the key log lines of these pieces, each once; other lines are left out."""
    seen: set[int] = set()
    for text in texts:
        for line in map(bytes.strip, text.splitlines()):
            if KEY_LINE.fullmatch(line) and (known := hash(line)) not in seen:
                seen.add(known)
                yield line
