"""Which connections and exchanges of two captures are the same."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from msgspec import Struct, field

from .clocks import aligned, is_reversed

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator

    from plainwire.model import Connection, Exchange, Report

    from .clocks import Clocks

_SLACK_NS = 2_000_000
"""What a capture's times and the clocks may be off by, beyond what is known of them (chosen)."""


_ENOUGH = 3
"""Requests that look alike and fit one difference of clocks by more than chance (chosen)."""
_CLOCKS_NS = 2_000_000_000
"""Hosts that keep their clocks by NTP are not further apart (chosen)."""


class Vantage(Struct):
    """One of the captures. ``name`` is A or B, as they were named to us."""

    name: str
    report: Report
    connections: dict[int, Connection] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.connections = {connection.id: connection for connection in self.report.connections}

    def connection(self, exchange: Exchange) -> Connection:
        """The connection of an exchange."""
        return self.connections[exchange.connection]

    def saw(self, time_ns: int) -> bool:
        """Whether it was capturing at a time by its own clock, as far as its first and last packets tell."""
        opened = min((c.opened_ns for c in self.report.connections), default=0)
        last = max((c.last_ns for c in self.report.connections), default=0)
        return opened - _SLACK_NS <= time_ns <= last + _SLACK_NS

    @property
    def is_whole(self) -> bool:
        """Whether nothing is known to be missing from it."""
        gaps = any(connection.gaps for connection in self.report.connections)
        return not self.report.coverage.packets_dropped and not gaps


class Matched(Struct):
    """``near`` is the capture nearer to the client. ``connections``: near id to the far one, of the same TCP
    connection or TLS session; ``same_tcp``: those that no proxy ends in between. ``exchanges``: near id to
    the far ones, several where something in between sent it again.
    """

    near: Vantage
    far: Vantage
    clocks: Clocks | None
    connections: dict[int, Connection]
    same_tcp: set[int]
    exchanges: dict[int, list[Exchange]]


def match(one: Report, other: Report) -> Matched | None:
    """Find out what is the same; None where nothing is."""
    places = Vantage("A", one), Vantage("B", other)
    pairs = list(_connections(*places))
    alike = list(_unique(*places, pairs))
    there, back = _passed(pairs, alike)
    if not there or not (pairs or _belong_together(there, back)):
        return None
    if is_reversed(there, back):
        places = places[1], places[0]
        pairs = [(second, first) for first, second in pairs]
        there, back = [-each for each in there], [-each for each in back]
    near, far = places
    clocks = aligned(there, back)
    connections = {first.id: second for first, second in pairs}
    same = {first.id for first, second in pairs if _same_tcp(first, second)}
    ahead = clocks.ahead_ns if clocks is not None else 0
    slack = _SLACK_NS + (clocks.error_ns if clocks is not None else 0)
    exchanges = _exchanges(near, far, connections, ahead, slack)
    return Matched(near, far, clocks, connections, same, exchanges)


def _connections(one: Vantage, other: Vantage) -> Iterator[tuple[Connection, Connection]]:
    """Of the same TLS session, by its client random; in clear text by both ends."""
    waiting: dict[Hashable, list[Connection]] = defaultdict(list)
    for connection in other.report.connections:
        waiting[_identity(connection)].append(connection)
    for connection in one.report.connections:
        found = waiting.get(_identity(connection))
        if found:
            yield connection, found.pop(0)


def _identity(connection: Connection) -> Hashable:
    random = connection.tls.client_random if connection.tls is not None else b""
    return random or (str(connection.client), str(connection.server))


def _same_tcp(one: Connection, other: Connection) -> bool:
    """Whether nothing ends TCP in between: the same ends, or a SYN with the same timestamp (NAT keeps it)."""
    if (one.client, one.server) == (other.client, other.server):
        return True
    stamps = [
        {syn.options.stamp for syn in each.syns if syn.side == 0 and syn.options is not None}
        for each in (one, other)
    ]
    return bool((stamps[0] & stamps[1]) - {None})


def _key(exchange: Exchange) -> Hashable:
    request = exchange.request
    if request is None:
        return None
    return request.method, request.target, request.body_size, request.body_digest


def _unique(
    one: Vantage, other: Vantage, pairs: list[tuple[Connection, Connection]]
) -> Iterator[tuple[Exchange, Exchange]]:
    """Exchanges on other connections than ``pairs`` that can be told from all others by what they ask for.

    Before and behind a proxy they have different servers; the same server is asked in two runs.
    """
    known = {first.id for first, _ in pairs}, {second.id for _, second in pairs}
    found: list[dict[Hashable, list[Exchange]]] = []
    for place, taken in zip((one, other), known, strict=True):
        groups: dict[Hashable, list[Exchange]] = defaultdict(list)
        for exchange in place.report.exchanges:
            if exchange.connection not in taken and exchange.request is not None:
                groups[_key(exchange)].append(exchange)
        found.append(groups)
    for key, group in found[0].items():
        if len(group) == 1 and len(found[1].get(key, ())) == 1:
            first, second = group[0], found[1][key][0]
            if one.connection(first).server != other.connection(second).server:
                yield first, second


def _belong_together(there: list[int], back: list[int]) -> bool:
    """Whether requests that look alike can be the same ones, and not those of another run.

    One difference of the clocks must then fit all that went there and came back, at whichever place it was
    sooner, and a request or two prove nothing where the clocks are far apart.
    """
    if not back:
        return False
    fits = max(back) <= min(there) + _SLACK_NS or max(there) <= min(back) + _SLACK_NS
    return fits and (len(there) >= _ENOUGH or abs(there[0]) <= _CLOCKS_NS)


def _passed(
    pairs: Iterable[tuple[Connection, Connection]], exchanges: Iterable[tuple[Exchange, Exchange]]
) -> tuple[list[int], list[int]]:
    """What passed both places towards the server and back: the second time less the first, ns."""
    there: list[int] = []
    back: list[int] = []
    for one, other in pairs:
        first, second = _segments(one), _segments(other)
        for key, time in first.items():
            if key in second:
                (back if key[0] else there).append(second[key] - time)
    for asked, alike in exchanges:
        if asked.request is not None and alike.request is not None:
            there.append(alike.request.time_ns - asked.request.time_ns)
        if asked.response is not None and alike.response is not None:
            same = asked.response.status == alike.response.status
            back += [alike.response.time_ns - asked.response.time_ns] if same else []
    return there, back


def _segments(connection: Connection) -> dict[tuple[int, int, int], int]:
    """Times of segments with data that were sent once, by side, offset and length."""
    segments = connection.segments
    if segments is None:
        return {}
    columns = (segments.side, segments.seq, segments.length, segments.time_ns)
    found: dict[tuple[int, int, int], int] = {}
    again: set[tuple[int, int, int]] = set()
    for side, seq, length, time in zip(*(column.tolist() for column in columns), strict=True):
        key = side, seq, length
        if length and key in found:
            again.add(key)
        elif length:
            found[key] = time
    return {key: time for key, time in found.items() if key not in again}


def _exchanges(
    near: Vantage, far: Vantage, connections: dict[int, Connection], ahead_ns: int, slack_ns: int
) -> dict[int, list[Exchange]]:
    """Near exchanges, and which far ones they became."""
    matched: dict[int, list[Exchange]] = defaultdict(list)
    there = {connection.id for connection in connections.values()}
    by_stream = {
        (e.connection, e.stream, e.ordinal): e for e in far.report.exchanges if e.connection in there
    }
    asking: dict[Hashable, list[Exchange]] = defaultdict(list)
    for exchange in near.report.exchanges:
        if exchange.connection in connections:
            alike = by_stream.get((connections[exchange.connection].id, exchange.stream, exchange.ordinal))
            if alike is not None and _key(alike) == _key(exchange):
                matched[exchange.id].append(alike)
        elif exchange.request is not None:
            asking[_key(exchange)].append(exchange)
    for alike in far.report.exchanges:
        if alike.request is None or alike.connection in there:
            continue
        latest = alike.request.time_ns - ahead_ns + slack_ns
        before = [e for e in asking[_key(alike)] if e.request is not None and e.request.time_ns <= latest]
        open_then = [e for e in before if _end(e, near) >= latest - 2 * slack_ns] or before[-1:]
        fresh = [e for e in open_then if e.id not in matched]
        if open_then:
            matched[(fresh[0] if fresh else open_then[-1]).id].append(alike)
    return dict(matched)


def _end(exchange: Exchange, place: Vantage) -> int:
    """When it was over."""
    if exchange.response is not None:
        return exchange.response.last_ns
    connection = place.connection(exchange)
    return connection.closes[0].time_ns if connection.closes else connection.last_ns
