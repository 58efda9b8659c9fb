"""Whose connection: which process of the watched program has it, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plainwire.model import Connection, ProgramConnection, ProgramEvents
    from plainwire.tls.keylog import KeyLog

_LATE_NS = 1_000_000_000
"""The times of the program's calls and of packets are of two clocks: so far apart they may be."""


def name_owners(connections: list[Connection], events: ProgramEvents) -> None:
    """Tell which process each connection belongs to."""
    for connection in connections:
        connection.program = _owner(connection, events)


def own(connections: list[Connection], events: ProgramEvents, keys: KeyLog) -> list[Connection]:
    """The program's connections, whose owners have been named.

    Its own are also those whose secrets are there: libraries that the interposer does not know write
    into the key log too (aioquic, of HTTP/3, over a socket that is never connected). Where the program
    could not be watched none of its connections is known as its own: all stay.
    """
    watched = bool(events.by_client_random or events.by_sockets or not events.notes)
    if not watched:
        return connections
    known = [c for c in connections if c.program is not None or keys.has(client_random(c))]
    onward = _carried_on(known, events)
    return [c for c in known if c.id not in onward]


def client_random(connection: Connection) -> bytes:
    """The random of its ClientHello; empty where there is none."""
    return connection.tls.client_random if connection.tls is not None else b""


def _owner(connection: Connection, events: ProgramEvents) -> ProgramConnection | None:
    """By client random, else by the sockets of the latest connect before the connection's end."""
    found = events.by_client_random.get(client_random(connection))
    if found is not None:
        return found
    calls = _calls(connection, events)
    return min(calls, key=lambda call: abs(call[0] - connection.opened_ns))[1] if calls else None


def _calls(connection: Connection, events: ProgramEvents) -> list[tuple[int, ProgramConnection]]:
    """The program's sockets with these ends, up to the connection's end."""
    ends = str(connection.client), str(connection.server)
    # A program that is the server names its own end first.
    calls = [*events.by_sockets.get(ends, ()), *events.by_sockets.get(ends[::-1], ())]
    return [call for call in calls if call[0] <= connection.last_ns + _LATE_NS]


def _carried_on(known: list[Connection], events: ProgramEvents) -> set[int]:
    """The ids of connections whose TLS is that of another: a relay took it from there, byte for byte.

    The client random tells (RFC 8446 section 4.1.2: 32 random bytes). The program's own is the one
    that its sockets name; where none is (an address was rewritten on the way), the one that began first.
    """
    alike: dict[bytes, list[Connection]] = {}
    for connection in known:
        alike.setdefault(client_random(connection), []).append(connection)
    alike.pop(b"", None)
    onward: set[int] = set()
    for several in alike.values():
        if len(several) > 1:
            direct = [c for c in several if _calls(c, events)] or several[:1]
            onward |= {c.id for c in several} - {c.id for c in direct}
    return onward
