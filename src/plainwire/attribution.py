"""Whose connection: which process of the watched program has it, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from plainwire.model import Connection, ProgramConnection, ProgramEvents
    from plainwire.tls.keylog import KeyLog

    Call = tuple[int, ProgramConnection]

_LATE_NS = 1_000_000_000
"""The times of the program's calls and of packets are of two clocks: so far apart they may be."""

UNBOUND = ("0.0.0.0", "[::]")  # noqa: S104 - nothing is bound to it
"""What the kernel says is the local address of a socket whose connect(2) failed; the port it still knows."""


def name_owners(connections: list[Connection], events: ProgramEvents) -> None:
    """Tell which process each connection belongs to: by client random, else by its sockets."""
    by_sockets = _by_sockets(connections, events)
    for connection in connections:
        by_random = events.by_client_random.get(client_random(connection))
        connection.program = by_random or by_sockets.get(connection.id)
    _name_servers(connections, events)


def _name_servers(connections: list[Connection], events: ProgramEvents) -> None:
    """Tell which process of the program accepted each connection, where one did."""
    accepted = {ends: calls[-1][1].pid for ends, calls in events.by_sockets.items()}
    accepted |= {(call.local, call.peer): call.pid for call in events.closes if call.peer is not None}
    for connection in connections if accepted else ():
        connection.served_by = accepted.get((str(connection.server), str(connection.client)))


def own(connections: list[Connection], events: ProgramEvents, keys: KeyLog) -> list[Connection]:
    """The program's connections, whose owners have been named.

    Its own are also those whose secrets are there: libraries that the interposer does not know write
    into the key log too (aioquic, of HTTP/3). Of QUIC's attempts that got no answer there are no secrets: its
    own are those that left by a socket of its own. Where the program could not be watched none of its
    connections is known as its own: all stay; but of TCP's, where the kernel told of them, only those that it
    named.
    """
    if events.unwatched and not events.witnessed:
        return connections
    known = [
        c
        for c in connections
        if c.program is not None or keys.has(client_random(c)) or (c.quic is not None and events.unwatched)
    ]
    onward = _carried_on(known, events)
    return sorted((c for c in known if c.id not in onward), key=lambda c: c.first_packet)


def unconfirmed(events: ProgramEvents, confirmed: set[tuple[str, str]]) -> int:
    """Forget the sockets that the kernel does not know as the program's, and count them.

    Where a connect failed, one of the two no longer knew the local address.
    """
    known = {(_port(local), peer) for local, peer in confirmed}
    strange = [
        ends for ends in events.by_sockets if (_port(ends[0]), ends[1]) not in known and ends not in confirmed
    ]
    for ends in strange:
        del events.by_sockets[ends]
    return len(strange)


def _port(end: str) -> str:
    return end.rsplit(":", 1)[1]


def client_random(connection: Connection) -> bytes:
    """The random of its ClientHello; empty where there is none."""
    return connection.tls.client_random if connection.tls is not None else b""


def _by_sockets(connections: Iterable[Connection], events: ProgramEvents) -> dict[int, ProgramConnection]:
    """Owners by connection id, as the program's calls tell them: of several, the call nearest to its begin.

    Two connections may have the same ends one after the other, and the second be another program's: a call
    is about the one that had begun last by then.
    """
    alike: dict[tuple[str, str, bool], list[Connection]] = {}
    for connection in connections:
        key = str(connection.client), str(connection.server), connection.quic is not None
        alike.setdefault(key, []).append(connection)
    nearest: dict[int, tuple[int, ProgramConnection]] = {}
    for (client, server, quic), several in alike.items():
        several.sort(key=lambda connection: connection.opened_ns)
        for time_ns, program in _calls(client, server, events.by_datagrams if quic else events.by_sockets):
            connection = _meant(time_ns, several)
            distance = abs(time_ns - connection.opened_ns)
            if (
                time_ns <= connection.last_ns + _LATE_NS
                and distance < nearest.get(connection.id, (distance + 1, program))[0]
            ):
                nearest[connection.id] = distance, program
    return {number: program for number, (_, program) in nearest.items()}


def _calls(client: str, server: str, sockets: Mapping[tuple[str, str], list[Call]]) -> Iterator[Call]:
    """The program's calls on sockets with these ends."""
    port = _port(client)
    # A program that is the server names its own end first.
    locals_of_client = (client, *(f"{address}:{port}" for address in UNBOUND))
    for ends in (*((local, server) for local in locals_of_client), (server, client)):
        yield from sockets.get(ends, ())


def _meant(time_ns: int, several: list[Connection]) -> Connection:
    """Which of several with the same ends, by time, a call at this time is about."""
    begun = [connection for connection in several if connection.opened_ns <= time_ns]
    return begun[-1] if begun else several[0]


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
    by_sockets = _by_sockets(known, events)
    for several in alike.values():
        if len(several) > 1:
            direct = [c for c in several if c.id in by_sockets] or several[:1]
            onward |= {c.id for c in several} - {c.id for c in direct}
    return onward
