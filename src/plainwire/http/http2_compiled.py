"""The kernel's reader of plain HTTP/2 streams (native/kernel/src/h2/), where there is one."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

from plainwire import kernel
from plainwire.http.event_stream import reader_of
from plainwire.http.http2_frames import FramePart
from plainwire.model import Exchange, Grpc, Request, Response, Side

if TYPE_CHECKING:
    from plainwire._kernel import Streams
    from plainwire.http.reading import Reading


def plain_streams(reading: Reading) -> Streams | None:
    """One for a connection; None where bodies are to be kept, which it does not do."""
    if kernel.compiled is None or reading.keep_bodies:
        return None
    classes = (Exchange, Request, Response, Grpc)
    made: Streams = kernel.compiled.Streams(classes, FramePart, tuple(Side), zlib.crc32, reader_of)
    return made
