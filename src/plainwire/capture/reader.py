"""The entrance to this package: capture files of every kind, one or several, as one capture.

A file is read in pieces of a few megabytes, a pipe as its bytes come. Each piece becomes one ``PacketBatch``:
the bytes and, as columns, where in them each packet is. A packet that spans two pieces is carried over.

``sources`` has the bytes, ``compression`` decompresses them, ``pcap`` and ``blocks`` (pcapng) find the
packets, ``merge`` puts several files in order, ``foreign`` names other kinds of files.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.capture.blocks import SECTION_MAGIC, read_pcapng
from plainwire.capture.compression import Unpacked, packed_with
from plainwire.capture.foreign import HEAD, what_is
from plainwire.capture.merge import MergedFile, merge
from plainwire.capture.pcap import is_pcap, read_pcap
from plainwire.capture.sources import Input, Lookahead, is_regular
from plainwire.model import CaptureNote, PacketBatch, SecretsBlock, UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from plainwire.capture.sources import Source
    from plainwire.folder import FileSource
    from plainwire.model import CaptureItem

PIECE = 4 << 20
"""Bytes read at a time, which is about the size of a batch."""
_FIRST_PIECE = 64 << 10


def read(paths: Sequence[FileSource]) -> Iterator[CaptureItem]:
    """Read the files as one capture; ``-`` is standard input.

    Packets of several files come in order of time, and are numbered in that order. Batches of a single file
    or pipe come as its bytes do.

    Raises:
        UserError: a file is missing, may not be read, or is not a capture file.

    """
    if len(paths) == 1:
        yield from _read_file(paths[0], PIECE)
        return
    parts = []
    for name in map(str, paths):
        part = MergedFile(name, lambda name=name: _read_file(name, PIECE))  # type: ignore[misc]
        if is_regular(name):
            yield from _look_into(part)
        parts.append(part)
    yield from merge(parts)


def _look_into(part: MergedFile) -> Iterator[SecretsBlock]:
    """Find the time of a file's first packet, and hand out the secrets before it."""
    for item in _read_file(part.path, _FIRST_PIECE):
        if isinstance(item, PacketBatch):
            part.start = int(item.time_ns[0])
            return
        if isinstance(item, SecretsBlock):
            part.secrets += 1
            yield item


def _read_file(file: FileSource, piece: int) -> Iterator[CaptureItem]:
    with Input(file) as source:
        yield from read_source(str(file), source, piece)


def read_source(path: str, source: Source, piece: int = PIECE) -> Iterator[CaptureItem]:
    """Read one capture, compressed or not; ``path`` is its name in notes and errors.

    Raises:
        UserError: it is not a capture file.

    """
    content = Lookahead(source)
    packer = packed_with(content.peek(4))
    if packer:
        content = Lookahead(Unpacked(content))
    head = content.peek(4)
    if is_pcap(head):
        yield from read_pcap(path, content, piece)
    elif head == SECTION_MAGIC:
        yield from read_pcapng(path, content, piece)
    else:
        inside = f"inside {packer}: " if packer else ""
        message = f"{path}: {content.trouble or inside + what_is(content.peek(HEAD), path)}"
        raise UserError(message)
    if content.trouble:
        yield CaptureNote(f"{path}: {content.trouble}")
