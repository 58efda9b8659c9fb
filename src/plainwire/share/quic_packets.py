"""The packets of QUIC connections, opened: one more reading of the capture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.capture import reader
from plainwire.model import PacketBatch
from plainwire.packets.decode import Decoder
from plainwire.quic.quic_assembler import QuicAssembler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.folder import FileSource
    from plainwire.quic.packet import Watch
    from plainwire.tls.keylog import KeyLog


def follow(captures: Sequence[FileSource], keys: KeyLog, watch: Watch) -> None:
    """Show ``watch`` each QUIC packet that can be read with ``keys``.

    Raises:
        UserError: the capture cannot be read.

    """
    decoder, assembler = Decoder(), QuicAssembler(watch)
    for item in reader.read(captures):
        datagrams = decoder.decode(item).datagrams if isinstance(item, PacketBatch) else None
        if datagrams is not None:
            touched, over = assembler.feed(datagrams, keys)
            for connection in over:
                connection.finish()
            for connection in (*touched, *over):
                connection.streams.clear()
    for connection in assembler.close():
        connection.finish()
        connection.streams.clear()
