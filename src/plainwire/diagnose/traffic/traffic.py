"""What all connections together say: the background against which one of them is judged."""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

from plainwire.diagnose.evidence.captured import server_was_seen
from plainwire.diagnose.evidence.closes import client_first, first_close
from plainwire.diagnose.evidence.exchanges import SERVER_ERROR_STATUS, shares_connection
from plainwire.diagnose.evidence.idle_close import idle_close
from plainwire.diagnose.evidence.opening import handshake_session
from plainwire.diagnose.evidence.reset_sender import of_reset
from plainwire.diagnose.evidence.round_trip import shortest_rtt
from plainwire.diagnose.evidence.stream_errors import complaints
from plainwire.diagnose.evidence.targets import template
from plainwire.diagnose.servers.inference import infer
from plainwire.model import Side

from . import segment_sizes
from .client_hellos import ClientHellos
from .given_up import GivenUps
from .idle_closes import Closes
from .legs import Legs
from .name_lookups import NameLookups
from .of_servers import OfServers
from .reset_ages import ResetAges
from .silent_cuts import SilentCuts
from .spare_copies import spare_copies
from .syn_ecn import tally
from .syn_timestamps import stamps_of
from .websocket_endings import WebSocketEndings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from plainwire.diagnose.causes.cause import Cause
    from plainwire.diagnose.evidence.idle_close import IdleClose
    from plainwire.diagnose.evidence.reset_sender import Origin
    from plainwire.model import (
        CloseEvent,
        Connection,
        Endpoint,
        Exchange,
        Lookup,
        Request,
        ServerFacts,
        StreamEvent,
    )

    from .segment_sizes import Sizes
    from .syn_ecn import Marks
    from .syn_timestamps import Stamps
    from .told_failures import ToldFailures


_MOST_TIMED = 200
"""Connections of a server whose round trips are looked at: of so many the shortest is short enough."""

_FEWEST_DOWN = 3
"""Errors and nothing else for one kind of request: then what is behind it is down."""


class Traffic:
    """Everything is made on first use: where nothing failed nothing is asked."""

    def __init__(
        self,
        connections: Sequence[Connection],
        lookups: Sequence[Lookup],
        causes: Mapping[str, Cause],
        spoken: Mapping[int, ToldFailures] | None = None,
    ) -> None:
        """``lookups``: by time. ``causes``: what the codes of verdicts mean. ``spoken``: when the program's
        processes told of failures.
        """
        self.spoken = spoken or {}
        self.connections = connections
        self.causes = causes
        self.lookups = lookups
        self._round_trips: dict[int, int | None] = {}
        self._complaints: dict[int, dict[int, StreamEvent]] = {}
        self._events: dict[int, dict[str, list[StreamEvent]]] = {}
        self._pings: dict[int, list[StreamEvent]] = {}
        self._last_complete: dict[int, list[int]] = {}
        self._origin: tuple[Connection, CloseEvent, Origin] | None = None

    @cached_property
    def by_server(self) -> dict[Endpoint, list[Connection]]:
        """The connections of each server address, in order of their first packets."""
        found: dict[Endpoint, list[Connection]] = {}
        for connection in self.connections:
            found.setdefault(connection.server, []).append(connection)
        return found

    @cached_property
    def accepted(self) -> dict[Endpoint, list[Connection]]:
        """Those of them that were established."""
        return {server: [c for c in same if c.established] for server, same in self.by_server.items()}

    @cached_property
    def speaks_tls(self) -> dict[Endpoint, Connection]:
        """By server: the first connection on which it agreed to TLS."""
        found: dict[Endpoint, Connection] = {}
        for connection in self.connections:
            session = handshake_session(connection)
            if session is not None and session.cipher_suite:
                found.setdefault(connection.server, connection)
        return found

    @cached_property
    def resets(self) -> dict[Endpoint, list[tuple[Connection, CloseEvent]]]:
        """By server: RSTs that were the first act of closing on connections that had been established, by
        time.
        """
        found: dict[Endpoint, list[tuple[Connection, CloseEvent]]] = {}
        for server, connections in self.accepted.items():
            own = [(c, r) for c in connections if (r := _reset(c)) and client_first(c) is None]
            found[server] = sorted(own, key=lambda pair: pair[1].time_ns)
        return found

    @cached_property
    def refusals(self) -> dict[Endpoint, list[tuple[Connection, CloseEvent]]]:
        """By server: connections that it refused with a RST, by the time of their SYNs."""
        found: dict[Endpoint, list[tuple[Connection, CloseEvent]]] = {}
        for server, connections in self.by_server.items():
            tried = (c for c in connections if not c.established and not c.mid_stream)
            refused = [(c, r) for c in tried if (r := _reset(c)) is not None]
            found[server] = sorted(refused, key=lambda pair: pair[0].opened_ns)
        return found

    @cached_property
    def one_sided(self) -> bool:
        """Whether the capture has what clients sent to servers that answered, and nothing of these."""
        answered = any(connection.established for connection in self.connections)
        return answered and not any(map(server_was_seen, self.connections))

    @cached_property
    def spare_copies(self) -> frozenset[int]:
        """The exchanges, by id, that their client dropped since another copy had been answered."""
        return spare_copies(self.connections)

    @cached_property
    def position(self) -> dict[int, int]:
        """Where each connection, by its id, stands among all."""
        return {connection.id: index for index, connection in enumerate(self.connections)}

    @cached_property
    def ended_ns(self) -> int:
        """When the last packet of all came."""
        return max((connection.last_ns for connection in self.connections), default=0)

    @cached_property
    def servers(self) -> dict[Endpoint, ServerFacts]:
        """The hidden parameters of the servers, as far as the traffic shows them."""
        return infer(self.connections)

    @cached_property
    def idle_closes(self) -> dict[Endpoint, Closes]:
        """The servers' closes of idle connections."""
        found: dict[Endpoint, list[IdleClose]] = {}
        for connection in self.connections:
            if any(map(shares_connection, connection.exchanges)):
                continue
            close = idle_close(connection)
            if close is not None:
                found.setdefault(connection.server, []).append(close)
        return {server: Closes(closes, self.by_server[server]) for server, closes in found.items()}

    @cached_property
    def sizes(self) -> OfServers[Sizes]:
        """Which sizes passed between a server and its clients."""
        return OfServers(self.by_server, segment_sizes.of)

    @cached_property
    def reset_ages(self) -> OfServers[ResetAges]:
        """How old requests were when the server reset their streams."""
        return OfServers(self.by_server, ResetAges)

    @cached_property
    def client_hellos(self) -> OfServers[ClientHellos]:
        """What became of the ClientHellos to a server."""
        return OfServers(self.by_server, ClientHellos)

    @cached_property
    def silent_cuts(self) -> OfServers[SilentCuts]:
        """What the cuts of a server's responses have in common."""
        return OfServers(self.by_server, SilentCuts)

    @cached_property
    def websocket_endings(self) -> OfServers[WebSocketEndings]:
        """What the endings of a server's WebSockets have in common."""
        return OfServers(self.by_server, WebSocketEndings)

    @cached_property
    def shortest_rtt(self) -> OfServers[int | None]:
        """The shortest round trip to a server that any connection shows, in ns: a host that is busy, or waits
        for its turn, lengthens those of single ones.
        """
        return OfServers(self.by_server, _shortest_rtt)

    def round_trip(self, connection: Connection) -> int | None:
        """The smallest round trip of one connection, in ns: many of its exchanges may ask."""
        if connection.id not in self._round_trips:
            self._round_trips[connection.id] = shortest_rtt(connection)
        return self._round_trips[connection.id]

    @cached_property
    def name_lookups(self) -> NameLookups:
        """What name servers said."""
        return NameLookups(self.connections, self.lookups)

    @cached_property
    def longest_survived(self) -> dict[Endpoint, int]:
        """The longest idleness, in ns, after which a request to the server was answered."""
        found: dict[Endpoint, int] = {}
        for connection in self.connections:
            for exchange in connection.exchanges:
                idle = exchange.idle_before_ns
                if idle is not None and exchange.outcome == "complete":
                    found[connection.server] = max(idle, found.get(connection.server, 0))
        return found

    @cached_property
    def marks(self) -> dict[tuple[str, str], Marks]:
        """What became of SYNs that offer ECN, and of others, by the addresses of client and server."""
        return tally(self.connections)

    @cached_property
    def stamps(self) -> dict[tuple[str, str], Stamps]:
        """The timestamps of accepted and of lost SYNs, by the addresses of client and server."""
        return stamps_of(self.connections)

    @cached_property
    def legs(self) -> Legs:
        """Which exchange behind a gateway carried which on."""
        return Legs(self.connections)

    @cached_property
    def given_up(self) -> GivenUps:
        """The exchanges that clients gave up."""
        return GivenUps(self.connections)

    @cached_property
    def server_errors(self) -> dict[Endpoint, tuple[int, list[Exchange]]]:
        """Of each server, how many exchanges have a response, and those whose status is 500 or more."""
        found: dict[Endpoint, tuple[int, list[Exchange]]] = {}
        for server, connections in self.by_server.items():
            answered = [e for c in connections for e in c.exchanges if e.response is not None]
            found[server] = (
                len(answered),
                [e for e in answered if e.response and e.response.status >= SERVER_ERROR_STATUS],
            )
        return found

    def reset_origin(self, connection: Connection, reset: CloseEvent) -> Origin:
        """Where a RST seems to come from: many rules ask, one behind the other, for the same one."""
        known = self._origin
        if known is None or known[0] is not connection or known[1] is not reset:
            known = self._origin = (connection, reset, of_reset(connection, reset))
        return known[2]

    def complaints(self, connection: Connection) -> dict[int, StreamEvent]:
        """By the ids of its exchanges: the client's word that the server broke a rule in the response."""
        if connection.id not in self._complaints:
            self._complaints[connection.id] = complaints(connection)
        return self._complaints[connection.id]

    def events(self, connection: Connection, kind: str) -> Sequence[StreamEvent]:
        """What was said of this kind beside the messages of a connection."""
        if connection.id not in self._events:
            found = self._events[connection.id] = {}
            for event in connection.events:
                found.setdefault(event.kind, []).append(event)
        return self._events[connection.id].get(kind, ())

    def pings(self, connection: Connection) -> list[StreamEvent]:
        """The client's PINGs, by time; not its answers to the server's."""
        if connection.id not in self._pings:
            own = [e for e in self.events(connection, "ping") if e.side == Side.CLIENT and not e.detail]
            self._pings[connection.id] = sorted(own, key=lambda event: event.time_ns)
        return self._pings[connection.id]

    def previous(self, connection: Connection, index: int) -> Exchange | None:
        """The last exchange before this one that came to its end; without such, the one just before."""
        if connection.id not in self._last_complete:
            last, found = -1, []
            for place, exchange in enumerate(connection.exchanges):
                found.append(last)
                last = place if exchange.outcome == "complete" else last
            self._last_complete[connection.id] = found
        place = self._last_complete[connection.id][index]
        if place < 0 and not index:
            return None
        return connection.exchanges[place if place >= 0 else index - 1]

    def is_down(self, server: Endpoint, request: Request) -> bool:
        """Whether requests of this kind met errors only at the server, three times or more."""
        return _kind(request) in self._down[server]

    @cached_property
    def _down(self) -> dict[Endpoint, set[tuple[str, str]]]:
        found: dict[Endpoint, set[tuple[str, str]]] = {}
        for server, (_, bad) in self.server_errors.items():
            failed = Counter(_kind(e.request) for e in bad if e.request is not None)
            often = {kind for kind, count in failed.items() if count >= _FEWEST_DOWN}
            for connection in self.by_server[server] if often else ():
                often -= {
                    _kind(e.request)
                    for e in connection.exchanges
                    if e.request is not None
                    and e.response is not None
                    and e.response.status < SERVER_ERROR_STATUS
                }
            found[server] = often
        return found


def _shortest_rtt(connections: Sequence[Connection]) -> int | None:
    timed = map(shortest_rtt, islice(connections, _MOST_TIMED))
    return min((rtt for rtt in timed if rtt is not None), default=None)


def _kind(request: Request) -> tuple[str, str]:
    return request.method, template(request.target)


def _reset(connection: Connection) -> CloseEvent | None:
    """The server's first act of closing, where it is a RST."""
    close = first_close(connection, Side.SERVER)
    return close if close is not None and close.kind == "rst" else None
