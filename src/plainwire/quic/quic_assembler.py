"""From UDP datagrams to QUIC connections: which are QUIC at all, and whose.

A connection is found by the destination connection id of a packet (RFC 9000 section 5.2), else by the
addresses. A long header of a known version begins a connection. A short header does not, since it
could be anything: such datagrams from or to port 443 are counted.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from typing import TYPE_CHECKING

from plainwire.arrays import np
from plainwire.model import Connection, DatagramBatch
from plainwire.quic import headers, sieve, versions
from plainwire.quic.packet import Datagram
from plainwire.quic.quic_connection import QuicConnection
from plainwire.quic.reassembly import Rooms
from plainwire.quic.versions import Form

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from plainwire.model import Endpoint, Int64s
    from plainwire.quic.headers import LongHeader
    from plainwire.quic.packet import Watch
    from plainwire.tls.keylog import KeyLog

    Bools = NDArray[np.bool_]

_End = tuple[QuicConnection, int]

LINGER_NS = 30_000_000_000
"""How long a closed connection still waits for late packets after its last one, in capture time."""

IDLE_NS = 600_000_000_000
"""How long a connection that did not close is kept: longer than usual idle timeouts."""

MOST_OPEN = 4096
"""Most connections at a time; if there are more, the one that was silent longest is dropped."""

MANY_OPENED = 50_000
"""After so many connections, one only begins with a datagram of the size that a server demands."""

_MOST_ON_PATH = 8
_MOST_ROUTES = 256  # of one connection: two for each pair of addresses
_SHORTEST_GLOBAL_ID = 4
"""Connection ids that may lead to a connection from new addresses."""

NOT_SEEN_TO_BEGIN = (
    "UDP datagrams on port 443 that may be of QUIC connections whose handshake is not in the capture"
)
TOO_SMALL = "UDP datagrams too small to begin a connection of QUIC, behind very many connections"
UNKNOWN_VERSION = "UDP datagrams of an unknown version of QUIC, or of another protocol"


class QuicAssembler:
    """Takes datagrams. ``opened`` counts connections; ids are 1, 2, ... in order of first packet.

    ``passed_over`` counts datagrams that may be QUIC, by the reason why they were skipped. ``watch`` sees the
    packets of all connections.
    """

    def __init__(self, watch: Watch | None = None) -> None:
        self._watch = watch
        self.opened = 0
        self.passed_over: Counter[str] = Counter()
        self._open: OrderedDict[int, QuicConnection] = OrderedDict()
        self._ids: dict[bytes, _End] = {}  # and the end that receives with the id
        self._sizes: Counter[int] = Counter()
        self._paths: dict[tuple[int, int], list[_End]] = {}  # and the end that sends
        self._routes: dict[int, list[tuple[int, int]]] = {}  # the keys in ``_paths`` by connection
        self._rooms = Rooms()
        self._now_ns = 0

    def feed(self, batch: DatagramBatch, keys: KeyLog) -> tuple[list[QuicConnection], list[QuicConnection]]:
        """Take one batch. Returns the connections that got something, and those that have ended.

        One that has ended may be in both lists; the caller finishes it.
        """
        touched: dict[int, QuicConnection] = {}
        over: list[QuicConnection] = []
        rows, begins = self._candidates(batch)
        first = batch.number, batch.time_ns, batch.source, batch.target
        columns = (*first, batch.ttl, batch.offset, batch.captured, batch.length, begins)
        for number, time_ns, source, target, ttl, offset, captured, length, begin in zip(
            *(column[rows].tolist() for column in columns), strict=True
        ):
            data = batch.data[offset : offset + captured]
            path = source, target
            self._now_ns = max(self._now_ns, time_ns)
            here = self._paths.get(path, ())
            if data[0] & headers.LONG:
                found = self._route(data, here) if here or begin else None
            else:
                found = self._route_short(data, here, path, batch.endpoints)
            if found is None and begin and not self._floods(length):
                found = self._begin(data, path, batch.endpoints, keys, number, time_ns)
            if found is None:
                continue
            connection, sender = found
            ends = batch.endpoints[source], batch.endpoints[target]
            connection.feed(Datagram(data, sender, ends, number, time_ns, ttl, captured >= length))
            self._after(connection, sender, path, here)
            touched[connection.facts.id] = connection
            over += self._sweep()
        return list(touched.values()), over

    def _floods(self, length: int) -> bool:
        """Whether a datagram is one of very many that no server takes for the start of a connection."""
        if self.opened < MANY_OPENED or length >= sieve.SMALLEST_INITIAL:
            return False
        self.passed_over[TOO_SMALL] += 1
        return True

    def close(self) -> list[QuicConnection]:
        """The capture has ended: return everything that is still open."""
        left = list(self._open.values())
        for connection in left:
            connection.watched_until_ns = self._now_ns
        self._open.clear()
        self._ids.clear()
        self._paths.clear()
        self._routes.clear()
        return left

    def _candidates(self, batch: DatagramBatch) -> tuple[Int64s, Bools]:
        """Rows that can matter, and for all rows whether they can begin a connection."""
        begins = sieve.begins(batch)
        rows = batch.captured > 0 if self._open or begins.any() else sieve.short(batch)
        return np.flatnonzero(rows), begins

    def _route(self, data: bytes, here: Sequence[_End]) -> _End | None:
        """The connection of a long header and which end sent it, if it is known."""
        header = headers.read_long(data)
        if header is None:
            return here[-1] if here else None
        found = self._ids.get(header.target) if header.target else None
        if found is not None and self._belongs(found[0], here, header):
            return found[0], 1 - found[1]
        found = self._ids.get(header.source) if header.source else None
        if found is not None and found in here:
            return found
        for connection, sender in reversed(here):
            if self._continues(connection, sender, header, data):
                return connection, sender
        return None

    @staticmethod
    def _belongs(connection: QuicConnection, here: Sequence[_End], header: LongHeader) -> bool:
        known = any(connection is other for other, _ in here)
        return known or len(header.target) >= _SHORTEST_GLOBAL_ID

    @staticmethod
    def _continues(connection: QuicConnection, sender: int, header: LongHeader, data: bytes) -> bool:
        """Whether a packet with unknown ids belongs to a connection between its addresses."""
        if connection.undecoded:
            return header.form is Form.UNKNOWN
        if not header.target and (b"" in connection.ids[1 - sender] or not connection.ids[1 - sender]):
            return True
        if header.form is Form.INITIAL and header.end <= len(data) and not connection.renegotiating:
            return connection.would_begin(header, data, sender)
        return header.form is not Form.UNKNOWN

    def _route_short(
        self, data: bytes, here: Sequence[_End], path: tuple[int, int], endpoints: Sequence[Endpoint]
    ) -> _End | None:
        if len(here) == 1:
            return here[0]
        shortest = 1 if here else _SHORTEST_GLOBAL_ID
        for size in self._sizes:
            found = self._ids.get(data[1 : 1 + size]) if size >= shortest else None
            if found is not None and (not here or any(found[0] is c for c, _ in here)):
                return found[0], 1 - found[1]
        if here:
            return here[-1]
        https = sieve.HTTPS in (endpoints[path[0]].port, endpoints[path[1]].port)
        if https and data[0] & headers.FIXED and len(data) >= sieve.SMALLEST_SHORT and not _google(data):
            self.passed_over[NOT_SEEN_TO_BEGIN] += 1
        return None

    def _begin(
        self,
        data: bytes,
        path: tuple[int, int],
        endpoints: Sequence[Endpoint],
        keys: KeyLog,
        number: int,
        time_ns: int,
    ) -> _End | None:
        """Make a new connection, if the datagram can begin one."""
        header = headers.read_long(data) if data[0] & headers.LONG else None
        undecoded = self._undecoded(data, header)
        if undecoded is None:
            return None
        guessed = header is not None and header.form is not Form.UNKNOWN
        client_first = not guessed or (header is not None and header.form is Form.ZERO_RTT)
        client_first = client_first or not _looks_like_server(endpoints[path[0]], endpoints[path[1]])
        client, server = path if client_first else path[::-1]
        self.opened += 1
        facts = Connection(
            id=self.opened,
            client=endpoints[client],
            server=endpoints[server],
            first_packet=number,
            opened_ns=time_ns,
            mid_stream=guessed,
            roles_guessed=guessed,
        )
        connection = QuicConnection(
            facts, keys, self._rooms, client=0 if client_first else 1, watch=self._watch
        )
        connection.undecoded = undecoded
        if undecoded:
            facts.application = undecoded.removesuffix(" is not decoded")
        self._open[facts.id] = connection
        return connection, 0

    def _undecoded(self, data: bytes, header: LongHeader | None) -> str | None:
        """Why a connection that begins like this is not decoded (empty: it is); None if none can begin so."""
        if header is None:
            google = _google(data)
            return f"{google} is not decoded" if google else None
        if header.form is Form.VERSION_NEGOTIATION:
            return None
        if header.form is not Form.UNKNOWN or versions.is_reserved(header.version):
            return ""
        if versions.named_by_quic(header.version):
            return f"{versions.name(header.version)} is not decoded"
        sizes = headers.SHORTEST_FIRST_ID <= len(header.target) <= headers.LONGEST_ID >= len(header.source)
        if sizes and data[0] & headers.FIXED:
            self.passed_over[UNKNOWN_VERSION] += 1
        return None

    def _after(
        self, connection: QuicConnection, sender: int, path: tuple[int, int], here: Sequence[_End]
    ) -> None:
        """Remember how to recognise the connection's next packets."""
        self._open.move_to_end(connection.facts.id)
        for connection_id, end in connection.learnt:
            if connection_id and connection_id not in self._ids:
                self._sizes[len(connection_id)] += 1
                self._ids[connection_id] = connection, end
        connection.learnt.clear()
        routes = self._routes.setdefault(connection.facts.id, [])
        if (here and here[-1][0] is connection) or len(routes) >= _MOST_ROUTES:
            return
        for route, end in ((path, sender), (path[::-1], 1 - sender)):
            ends = self._paths.setdefault(route, [])
            entry = connection, end
            if entry in ends:
                ends.remove(entry)
            else:
                routes.append(route)
            ends.append(entry)
            del ends[:-_MOST_ON_PATH]

    def _sweep(self) -> list[QuicConnection]:
        """Drop connections that ended a while ago or were silent for long, or if there are too many."""
        over: list[QuicConnection] = []
        while self._open:
            connection = next(iter(self._open.values()))
            silent = self._now_ns - connection.facts.last_ns
            if silent < (LINGER_NS if connection.ended else IDLE_NS) and len(self._open) <= MOST_OPEN:
                break
            self._forget(connection)
            over.append(connection)
        return over

    def _forget(self, connection: QuicConnection) -> None:
        connection.watched_until_ns = self._now_ns
        del self._open[connection.facts.id]
        for end in (0, 1):
            for connection_id in connection.ids[end]:
                if self._ids.get(connection_id, (None, 0))[0] is connection:
                    del self._ids[connection_id]
                    self._sizes[len(connection_id)] -= 1
                    if not self._sizes[len(connection_id)]:
                        del self._sizes[len(connection_id)]
        for route in self._routes.pop(connection.facts.id, ()):
            here = [entry for entry in self._paths.get(route, ()) if entry[0] is not connection]
            if here:
                self._paths[route] = here
            else:
                self._paths.pop(route, None)


def _google(data: bytes) -> str:
    """The version in a public header of Google's QUIC before Q044: flags, connection id, version."""
    if data[0] & sieve.GOOGLE_MASK == sieve.GOOGLE_BITS and len(data) > 13 and versions.is_google(data[9:13]):
        return versions.name(int.from_bytes(data[9:13], "big"))
    return ""


def _looks_like_server(sender: Endpoint, receiver: Endpoint) -> bool:
    """By the ports: a server's is well known, a client's is not."""
    return sender.port == sieve.HTTPS != receiver.port or (sender.port < 1024 <= receiver.port)
