"""Rules dns-slow-5s, dns-failure, dns-stale-or-split: what name servers said before a connection began.

Questions of other programs are in the capture too. So each rule ends at a connection: its address is one
that an answer gave, or its server name is the one that was asked for.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import pairwise
from typing import TYPE_CHECKING

from plainwire.model import Evidence

from . import words
from .verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from plainwire.model import Connection, Lookup

    from .world import World

_AGAIN_NS = 900_000_000
"""Resolvers wait for a second at least before they ask again: glibc for five, musl for two and a half."""
_SOON_NS = 1_000_000_000
"""Who has an address connects at once."""
_PATIENCE_NS = 5_000_000_000
_ONE_SEARCH_NS = 30_000_000_000
_MOST_CITED = 4
_MOST_ASKED = 1_000
_UNREACHED = frozenset(("syn-timeout", "connection-refused", "ipv6-broken-fallback"))
_LOOPBACK = frozenset(("127.0.0.1", "::1"))
"""Whence a program asks the resolver of its own host."""


class _Directory:
    """The lookups by name and type, the names by address, the connections by time and by server."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.of_name: dict[tuple[str, str], list[Lookup]] = {}
        self.names: dict[str, str] = {}
        self.addresses: dict[str, set[str]] = {}
        for lookup in world.lookups:
            self.of_name.setdefault((lookup.name, lookup.type), []).append(lookup)
            self.addresses.setdefault(lookup.name, set()).update(lookup.addresses)
            for address in lookup.addresses:
                self.names.setdefault(address, lookup.name)
        self.connections = sorted(world.connections, key=_opened)
        self.servers: dict[str, Connection] = {}
        for connection in self.connections:
            self.servers.setdefault(connection.server.address, connection)
            if connection.tls is not None and connection.tls.server_name is not None:
                self.servers.setdefault(connection.tls.server_name.lower(), connection)

    def same(self, lookup: Lookup, start_ns: int, end_ns: int) -> list[Lookup]:
        """Lookups for the same name and type, at any server, that began within these times."""
        found = self.of_name[lookup.name, lookup.type]
        begin, end = bisect_left(found, start_ns, key=_began), bisect_right(found, end_ns, key=_began)
        return found[begin : min(end, begin + _MOST_ASKED)]

    def first_after(self, lookup: Lookup) -> Connection | None:
        """The connection that began with an address of the name, at once after the answer."""
        assert lookup.answered_ns is not None  # noqa: S101 - for those that were answered
        known = self.addresses[lookup.name]
        begin = bisect_left(self.connections, lookup.answered_ns, key=_opened)
        for connection in self.connections[begin : begin + _MOST_ASKED]:
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


def resolving(world: World, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """All that the lookups say; nothing where there are none."""
    if not world.lookups:
        return []
    directory = _Directory(world)
    return [*_slow(directory), *_failing(directory), *_stale(directory, verdicts)]


def _slow(directory: _Directory) -> list[Verdict]:
    """Connections that began late because a question had to be asked again, here or at another server."""
    found: dict[int, Verdict] = {}
    for lookup in directory.world.lookups:
        if lookup.answered_ns is None:
            continue
        began = _began(lookup)
        asked = [
            sending
            for other in directory.same(lookup, began - _ONE_SEARCH_NS, began)
            if other.client == lookup.client
            and (other is lookup or other.answered_ns is None or other.answered_ns >= began)
            for sending in other.sent
            if sending[1] <= lookup.answered_ns
        ]
        asked.sort(key=lambda sending: sending[1])
        pause = max((b[1] - a[1] for a, b in pairwise(asked)), default=0)
        connection = directory.first_after(lookup) if pause >= _AGAIN_NS else None
        if connection is None:
            continue
        verdict = _slow_verdict(lookup, asked, pause, connection)
        found.setdefault(connection.id, verdict)
    return list(found.values())


def _slow_verdict(
    lookup: Lookup, asked: list[tuple[int, int]], pause: int, connection: Connection
) -> Verdict:
    waited = (lookup.answered_ns or 0) - asked[0][1]
    return Verdict(
        code="dns-slow-5s",
        connection=connection,
        exchanges=(),
        fault="unknown",
        certainty="likely",
        facts=f"The addresses of {lookup.name} ({lookup.type}) were asked for {len(asked)} times, with a "
        f"pause of {words.span(pause)}, and came {words.span(waited)} after the first question, from "
        f"{lookup.server}; only then the connection began.",
        evidence=(
            *(Evidence(packet, "the question") for packet, _ in asked[:_MOST_CITED]),
            *((Evidence(lookup.answer, "the answer"),) if lookup.answer is not None else ()),
            Evidence(connection.first_packet, f"connection {connection.id} begins"),
        ),
        runner_up="a slow connection: refuted, the time passed before its first packet",
        retry_safe=True,
        time_ns=asked[0][1],
    )


def _failing(directory: _Directory) -> list[Verdict]:
    """Questions that were refused, or never answered, for a name that has addresses at other times."""
    found: list[Verdict] = []
    for lookup in directory.world.lookups:
        if lookup.addresses or not _resolves(directory, lookup) or not _failed(directory, lookup):
            continue
        connection = directory.to(lookup.name)
        if connection is None:
            continue
        said = f"answered {lookup.code}" if lookup.code else "did not answer"
        found.append(
            Verdict(
                code="dns-failure",
                connection=connection,
                exchanges=(),
                fault="unknown",
                certainty="likely",
                facts=f"{lookup.server} {said} when asked for {lookup.name} ({lookup.type}); at other times "
                "the name was resolved.",
                evidence=(
                    *(Evidence(packet, "the question") for packet, _ in lookup.sent[:_MOST_CITED]),
                    *((Evidence(lookup.answer, lookup.code),) if lookup.answer is not None else ()),
                ),
                runner_up="a name that does not exist: refuted, it had addresses at other times",
                retry_safe=True,
                time_ns=_began(lookup),
            )
        )
    return found


def _resolves(directory: _Directory, lookup: Lookup) -> bool:
    return any(other.addresses for other in directory.of_name[lookup.name, lookup.type][:_MOST_ASKED])


def _failed(directory: _Directory, lookup: Lookup) -> bool:
    """Whether nobody gave an address in time: not this server, and no other one that was asked as well."""
    ended = lookup.answered_ns if lookup.answered_ns is not None else lookup.sent[-1][1] + _PATIENCE_NS
    if not lookup.refused and (lookup.code or ended > directory.world.ended_ns):
        return False
    began = _began(lookup)
    return not any(
        other.addresses for other in directory.same(lookup, began - _PATIENCE_NS, ended + _PATIENCE_NS)
    )


def _stale(directory: _Directory, verdicts: Sequence[Verdict]) -> list[Verdict]:
    """Connections that were not accepted, at an address that the newest answer for the name lacks."""
    found: list[Verdict] = []
    for verdict in verdicts:
        connection = verdict.connection
        address = connection.server.address
        name = directory.names.get(address) if verdict.code in _UNREACHED else None
        if name is None:
            continue
        newest = _newest(directory, name, "AAAA" if ":" in address else "A", connection.opened_ns)
        if newest is None or newest.answer is None or address in newest.addresses:
            continue
        count = len(newest.addresses)
        found.append(
            Verdict(
                code="dns-stale-or-split",
                connection=connection,
                exchanges=(),
                fault="unknown",
                certainty="possible",
                facts=f"{address} was not among the {count} address{'es' if count > 1 else ''} that "
                f"{newest.server} gave for {name} last, although another answer had named it. Some name "
                "servers give only a part of a name's addresses each time.",
                evidence=(
                    Evidence(newest.answer, f"the newest answer for {name}, without {address}"),
                    Evidence(connection.first_packet, f"the SYN to {address}"),
                ),
                runner_up="an address of another name: refuted, an answer for this name held it",
                retry_safe=True,
                time_ns=connection.opened_ns,
            )
        )
    return found


def _newest(directory: _Directory, name: str, kind: str, at_ns: int) -> Lookup | None:
    """The last answer with addresses for the name before a moment."""
    lookups = directory.of_name.get((name, kind), [])
    end = bisect_right(lookups, at_ns, key=_began)
    answered = (k for k in lookups[max(0, end - _MOST_ASKED) : end] if k.addresses)
    return max((k for k in answered if (k.answered_ns or 0) <= at_ns), key=_began, default=None)


def _began(lookup: Lookup) -> int:
    return lookup.sent[0][1]


def _opened(connection: Connection) -> int:
    return connection.opened_ns
