"""The capture of a bundle: chosen connections without secrets, sealed under secrets made up for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from plainwire.capture.pcapng import WrittenPacket, file_of
from plainwire.model import Side
from plainwire.share import segments
from plainwire.share.hiding import Hider
from plainwire.share.marks import Marker
from plainwire.share.plain_view import PlainView
from plainwire.share.resealing import MadeUpSecrets
from plainwire.share.rewriting import Rewriting, rewrite
from plainwire.share.wire_text import WireText
from plainwire.tls.sealing import UnsealableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.folder import FileSource
    from plainwire.model import Connection
    from plainwire.share.segments import KeptConnection
    from plainwire.tls.keylog import KeyLog


class Subtracted(Struct):
    """What is to be given away.

    ``capture`` holds every packet at its size, in TLS; ``plain`` the same packets without TLS. ``originals``
    are the packets' numbers before, in their order. ``left_out``: connections (by the original's packet
    number of their first packet) that could not be taken, and why. In both, QUIC is as it was: encrypted.
    """

    capture: bytes
    plain: bytes
    originals: list[int]
    left_out: dict[int, str] = field(default_factory=dict)


class Chosen(Struct):
    """What to take of a capture, and what to hide: ``known`` secrets, values of ``names``."""

    captures: Sequence[FileSource]
    keys: KeyLog
    connections: list[Connection]
    packets: list[int]
    known: list[str]
    names: list[str]
    reveals: bool = False
    """Only ``plain`` is wanted, with all that was said."""
    quic: bool = False
    """With the datagrams of QUIC connections as they were, without their secrets."""


def subtract(chosen: Chosen, key: bytes) -> Subtracted:
    """Make the capture. ``key``: random bytes that nobody keeps.

    Raises:
        UserError: the capture cannot be read, or it is too much.

    """
    kept = segments.collect(chosen.captures, chosen.connections, chosen.packets, quic=chosen.quic)
    hider = Hider(Marker(key), chosen.known, chosen.names)
    secrets = MadeUpSecrets(chosen.keys, key)
    sealed, plain = list(kept.others), list(kept.others)
    left_out: dict[int, str] = {}
    for other in chosen.connections:
        if other.transport == "quic" and not chosen.quic:
            left_out[other.first_packet] = "nothing here writes QUIC without its encryption"
    for connection in kept.connections:
        try:
            work = Rewriting(connection.facts, hider, secrets, chosen.reveals)
            mine, without = _subtracted(connection, work)
        except UnsealableError as error:
            left_out[connection.facts.first_packet] = f"nothing here seals {error} again"
            continue
        sealed += mine
        plain += without
    sealed.sort(key=lambda packet: packet[0])
    plain.sort(key=lambda packet: packet[0])
    key_log = b"\n".join(secrets.lines)
    return Subtracted(
        b"".join(file_of([packet for _, packet in sealed], key_log, kept.dropped)),
        b"".join(file_of([packet for _, packet in plain], b"", kept.dropped)),
        [number for number, _ in sealed],
        left_out,
    )


Numbered = list[tuple[int, WrittenPacket]]


def _subtracted(connection: KeptConnection, work: Rewriting) -> tuple[Numbered, Numbered]:
    if connection.fragmented:
        message = "packets that came in fragments of IP"
        raise UnsealableError(message)
    directions = connection.tcp.directions
    wires = WireText(Side.CLIENT, connection.pieces[0]), WireText(Side.SERVER, connection.pieces[1])
    where = directions[0].positions, directions[1].positions
    rewrite(wires, where, work, late=connection.facts.mid_stream)
    made = bytes(wires[0].made), bytes(wires[1].made)
    sealed = segments.with_payloads(connection, made)
    if work.sealed_from[0] is None:
        return sealed, sealed
    client, server = (
        PlainView(made[side], work.sealed_from[side], work.opened[side])
        for side in (Side.CLIENT, Side.SERVER)
    )
    return sealed, segments.without_tls(connection, (client, server))


def originals(chosen: Chosen) -> Numbered:
    """The packets of the same connections as they were."""
    kept = segments.collect(chosen.captures, chosen.connections, chosen.packets, quic=True)
    found = [
        (s.number, WrittenPacket(s.time_ns, s.link, s.length, s.frame))
        for connection in kept.connections
        for s in connection.segments
    ]
    return sorted([*found, *kept.others], key=lambda packet: packet[0])
