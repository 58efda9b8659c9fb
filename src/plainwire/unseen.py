"""What could not be seen, connection by connection and in the capture: the report's coverage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from plainwire.attribution import client_random
from plainwire.plurals import count

if TYPE_CHECKING:
    from collections.abc import Mapping

    from plainwire.model import Connection, Coverage, ProgramEvents
    from plainwire.tls.keylog import KeyLog

_DECODED = (None, "http/1.1", "h2", "h3", "websocket")


def count_connections(
    coverage: Coverage, connections: list[Connection], events: ProgramEvents | None
) -> None:
    """Count the connections, and say why a connection could not be read completely."""
    coverage.connections = len(connections)
    coverage.decrypted = sum(1 for c in connections if c.tls is not None and c.decrypted)
    coverage.mid_stream = [c.id for c in connections if c.mid_stream]
    for connection in connections:
        reason = _why_unseen(connection, events)
        if reason is not None:
            coverage.undecrypted.append((connection.id, reason))


def note_passed_over(coverage: Coverage, packets: Mapping[str, int], datagrams: Mapping[str, int]) -> None:
    """Say how many packets the decoders skipped, by reason."""
    coverage.notes += [f"{count(n, 'packet')} not decoded: {why}" for why, n in packets.items() if n]
    coverage.notes += [f"{count(n, 'datagram')} not read: {why}" for why, n in datagrams.items() if n]


def note_given_up(coverage: Coverage, connections: int) -> None:
    """Say that connections were followed only for a part of their way."""
    if connections:
        coverage.notes.append(
            f"{connections} connections were open beside too many others, and were followed no further; "
            "what came of them later counts as another connection"
        )


def note_keys(coverage: Coverage, keys: KeyLog, connections: list[Connection]) -> None:
    """Say which of the secrets are of no use."""
    coverage.notes += keys.cut
    seen = {client_random(connection) for connection in connections} if keys.files else set()
    for name, randoms in keys.files.items():
        if randoms and not randoms & seen:
            others = count(len(randoms), "connection")
            coverage.notes.append(f"{name} has secrets for {others}, none of them in this capture")
    if keys.bad_lines:
        coverage.notes.append(f"{count(keys.bad_lines, 'line', 'is')} not in the format of a key log")
    if coverage.undecrypted and keys.has_private_keys:
        useless = keys.private_keys.why_useless()
        coverage.notes += [] if useless is None else [useless]


def _not_reached(connection: Connection, events: ProgramEvents) -> str:
    """Which library that is, where its process has said."""
    pid = connection.program.pid if connection.program is not None else None
    for told in events.unreached:
        if told.pid == pid:
            return f"no secrets, the TLS inside {told.place} was not reached: {told.why}"
    return "no secrets, the program's TLS library was not reached"


def _why_unseen(connection: Connection, events: ProgramEvents | None) -> str | None:
    if connection.undecrypted:
        from plainwire.tls.reasons import NO_SECRET  # noqa: PLC0415 - see __init__

        first = connection.undecrypted[0]
        reached = events is not None and client_random(connection) in events.by_client_random
        if events is not None and not reached and first.reason == NO_SECRET:
            return _not_reached(connection, events)
        return first.reason + ("; packets were cut by the snap length" if connection.snapped else "")
    if connection.tls is not None and connection.application not in _DECODED:
        return f"{connection.application} is not decoded"
    return None
