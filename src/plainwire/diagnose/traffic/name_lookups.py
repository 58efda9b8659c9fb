"""What name servers said before the connections began.

Questions of other programs are in the capture too. So each rule ends at a connection: its address is one
that an answer gave, or its server name is the one that was asked for.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.model import Connection, Lookup


_SOON_NS = 1_000_000_000
"""Who has an address connects at once."""

MOST_CITED = 4

MOST_ASKED = 1_000

_LOOPBACK = frozenset(("127.0.0.1", "::1"))
"""Whence a program asks the resolver of its own host."""


class NameLookups:
    """The lookups by name and type, the names by address, the connections by time and by server."""

    def __init__(self, connections: Sequence[Connection], lookups: Sequence[Lookup]) -> None:
        self.of_name: dict[tuple[str, str], list[Lookup]] = {}
        self.names: dict[str, str] = {}
        self.addresses: dict[str, set[str]] = {}
        for lookup in lookups:
            self.of_name.setdefault((lookup.name, lookup.type), []).append(lookup)
            self.addresses.setdefault(lookup.name, set()).update(lookup.addresses)
            for address in lookup.addresses:
                self.names.setdefault(address, lookup.name)
        self.connections = sorted(connections, key=_opened)
        self.servers: dict[str, Connection] = {}
        for connection in self.connections:
            self.servers.setdefault(connection.server.address, connection)
            if connection.tls is not None and connection.tls.server_name is not None:
                self.servers.setdefault(connection.tls.server_name.lower(), connection)

    def same(self, lookup: Lookup, start_ns: int, end_ns: int) -> list[Lookup]:
        """Lookups for the same name and type, at any server, that began within these times."""
        found = self.of_name[lookup.name, lookup.type]
        begin, end = bisect_left(found, start_ns, key=asked_ns), bisect_right(found, end_ns, key=asked_ns)
        return found[begin : min(end, begin + MOST_ASKED)]

    def first_after(self, lookup: Lookup) -> Connection | None:
        """The connection that began with an address of the name, at once after the answer."""
        assert lookup.answered_ns is not None  # noqa: S101 - for those that were answered
        known = self.addresses[lookup.name]
        begin = bisect_left(self.connections, lookup.answered_ns, key=_opened)
        for connection in self.connections[begin : begin + MOST_ASKED]:
            if connection.opened_ns - lookup.answered_ns > _SOON_NS:
                return None
            if connection.server.address in known and lookup.client in {
                connection.client.address,
                *_LOOPBACK,
            }:
                return connection
        return None

    def to(self, name: str) -> Connection | None:
        """A connection to the name: by the name that it gave itself, or by an address of the name."""
        places = (name, *self.addresses[name])
        return next((self.servers[place] for place in places if place in self.servers), None)


def asked_ns(lookup: Lookup) -> int:
    """When the name was asked for first."""
    return lookup.sent[0][1]


def _opened(connection: Connection) -> int:
    return connection.opened_ns
