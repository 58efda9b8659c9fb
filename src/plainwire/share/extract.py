"""Captures of chosen connections, for other tools: as they were, with their secrets alone; or without TLS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from plainwire.capture.pcapng import file_of
from plainwire.share import subtraction

if TYPE_CHECKING:
    from collections.abc import Iterable

    from plainwire.model import Connection, Report
    from plainwire.share.subtraction import Chosen


class Extract(Struct):
    """``capture`` is pcapng. ``left_out``: connections, by id, that could not be taken, and why."""

    capture: bytes
    left_out: dict[int, str] = field(default_factory=dict)


def lines_of(key_log: Iterable[bytes], connections: Iterable[Connection]) -> list[bytes]:
    """The lines of a key log that are about these connections."""
    sessions = (s for c in connections for s in (c.tls, *c.inner_tls) if s is not None)
    randoms = {session.client_random.hex().encode() for session in sessions if session.client_random}
    return [line.strip() for line in key_log if randoms.intersection(line.lower().split())]


def as_it_was(chosen: Chosen, key_log: Iterable[bytes], report: Report) -> Extract:
    """The packets of the connections, with their secrets ahead of them and no others.

    Raises:
        UserError: the capture cannot be read, or it is too much.

    """
    packets = [packet for _, packet in subtraction.originals(chosen)]
    lines = b"\n".join(lines_of(key_log, chosen.connections))
    dropped = report.coverage.packets_dropped
    return Extract(b"".join(file_of(packets, lines, dropped)))


def decrypted(chosen: Chosen, key: bytes) -> Extract:
    """The same packets, times, flags and resets, without TLS: what it carried stands in its place.

    What may be secret is hidden by marks made with ``key``, unless ``chosen`` reveals all.

    Raises:
        UserError: as above.

    """
    made = subtraction.subtract(chosen, key)
    ids = {connection.first_packet: connection.id for connection in chosen.connections}
    return Extract(made.plain, {ids[number]: why for number, why in made.left_out.items() if number in ids})
