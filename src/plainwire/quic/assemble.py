"""UDP datagrams to QUIC connections: which are QUIC at all, and whose.

A connection is found by the destination connection id of a packet (RFC 9000 section 5.2), else by the
addresses. A long header of a known version begins one; no packet with a short header does, since it
could be anything: such datagrams from or to port 443 are counted.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from typing import TYPE_CHECKING

import numpy as np

from plainwire.model import Connection, DatagramBatch
from plainwire.quic import headers, versions
from plainwire.quic.connection import Datagram, QuicConnection
from plainwire.quic.versions import Form

if TYPE_CHECKING:
    from plainwire.model import Endpoint, Int64s
    from plainwire.quic.headers import LongHeader
    from plainwire.tls.keylog import KeyLog

LINGER_NS = 30_000_000_000
"""How long after its last packet a closed connection still waits for stragglers, in capture time."""

IDLE_NS = 600_000_000_000
"""How long one that did not close is kept: longer than idle timeouts usually are."""

MOST_OPEN = 16384
"""Connections at a time; of more, that which was silent for longest is given up."""

_HTTPS = 443
_GOOGLE_MASK, _GOOGLE_BITS = 0x89, 0x09
_SMALLEST_SHORT = 21
_MOST_ON_PATH = 8
_SHORTEST_GLOBAL_ID = 4
"""Connection ids that lead to a connection from other addresses than those it was seen with."""

NOT_SEEN_TO_BEGIN = (
    "UDP datagrams on port 443 that may be of QUIC connections whose handshake is not in the capture"
)
UNKNOWN_VERSION = "UDP datagrams of an unknown version of QUIC, or of another protocol"


class QuicAssembler:
    """Feeds on datagrams. ``opened`` counts connections; ids are 1, 2, ... in order of first packet.

    ``passed_over`` counts datagrams that may be QUIC's, by why they were left alone.
    """

    def __init__(self) -> None:
        self.opened = 0
        self.passed_over: Counter[str] = Counter()
        self._open: OrderedDict[int, QuicConnection] = OrderedDict()
        self._ids: dict[bytes, tuple[QuicConnection, int]] = {}  # and the end that receives with the id
        self._sizes: Counter[int] = Counter()
        self._paths: dict[tuple[int, int], list[tuple[QuicConnection, int]]] = {}  # and the end that sends
        self._routes: dict[int, list[tuple[int, int]]] = {}  # the keys in ``_paths`` by connection
        self._now_ns = 0

    def feed(self, batch: DatagramBatch, keys: KeyLog) -> tuple[list[QuicConnection], list[QuicConnection]]:
        """Take one batch. Returns the connections that got something, and those that are over.

        One that is over may be in both lists, and is finished by whoever receives it.
        """
        touched: dict[int, QuicConnection] = {}
        over: list[QuicConnection] = []
        rows = self._candidates(batch)
        first = batch.number, batch.time_ns, batch.source, batch.target
        columns = (*first, batch.ttl, batch.offset, batch.captured, batch.length)
        for number, time_ns, source, target, ttl, offset, captured, length in zip(
            *(column[rows].tolist() for column in columns), strict=True
        ):
            data = batch.data[offset : offset + captured]
            self._now_ns = max(self._now_ns, time_ns)
            found = self._route(data, source, target, batch.endpoints)
            if found is None:
                found = self._begin(data, (source, target), batch.endpoints, keys, number, time_ns)
                if found is None:
                    continue
            connection, sender = found
            path = batch.endpoints[source], batch.endpoints[target]
            connection.feed(Datagram(data, sender, path, number, time_ns, ttl, captured >= length))
            self._after(connection, sender, (source, target))
            touched[connection.facts.id] = connection
            over += self._sweep()
        return list(touched.values()), over

    def close(self) -> list[QuicConnection]:
        """The capture is over: all that is still open."""
        left = list(self._open.values())
        for connection in left:
            connection.watched_until_ns = self._now_ns
        self._open.clear()
        self._ids.clear()
        self._paths.clear()
        self._routes.clear()
        return left

    def _candidates(self, batch: DatagramBatch) -> Int64s:
        """Rows that can matter: all once there is a connection, else those that could begin one."""
        if not len(batch.number):
            return np.empty(0, dtype=np.int64)
        data = np.frombuffer(batch.data, dtype=np.uint8)
        filled = batch.captured > 0
        first = (
            data[np.where(filled, batch.offset, 0)] if len(data) else np.zeros(len(filled), dtype=np.uint8)
        )
        begins = (first & headers.LONG != 0) | (first & _GOOGLE_MASK == _GOOGLE_BITS)
        if self._open or (begins & filled).any():
            return np.flatnonzero(filled)
        return np.flatnonzero(filled & (first & headers.FIXED != 0))

    def _route(
        self, data: bytes, source: int, target: int, endpoints: list[Endpoint]
    ) -> tuple[QuicConnection, int] | None:
        """The connection of a datagram and which end sent it, if it is one that is known."""
        here = self._paths.get((source, target), ())
        if not data[0] & headers.LONG:
            return self._route_short(data, here, source, target, endpoints)
        header = headers.read_long(data)
        if header is None:
            return here[-1] if here else None
        found = self._ids.get(header.target) if header.target else None
        if found is not None and self._belongs(found[0], here, header):
            return found[0], 1 - found[1]
        found = self._ids.get(header.source) if header.source else None
        if found is not None and (found[0], found[1]) in here:
            return found[0], found[1]
        for connection, sender in reversed(here):
            if self._continues(connection, sender, header, data):
                return connection, sender
        return None

    def _belongs(
        self,
        connection: QuicConnection,
        here: list[tuple[QuicConnection, int]] | tuple[()],
        header: LongHeader,
    ) -> bool:
        known = any(connection is other for other, _ in here)
        return known or len(header.target) >= _SHORTEST_GLOBAL_ID

    @staticmethod
    def _continues(connection: QuicConnection, sender: int, header: LongHeader, data: bytes) -> bool:
        """Whether a packet whose ids lead nowhere belongs to a connection between its addresses."""
        if connection.undecoded:
            return header.form is Form.UNKNOWN
        if not header.target and (b"" in connection.ids[1 - sender] or not connection.ids[1 - sender]):
            return True
        if header.form is Form.INITIAL and header.end <= len(data) and not connection.renegotiating:
            return connection.would_begin(header, data, sender)
        return header.form is not Form.UNKNOWN

    def _route_short(
        self,
        data: bytes,
        here: list[tuple[QuicConnection, int]] | tuple[()],
        source: int,
        target: int,
        endpoints: list[Endpoint],
    ) -> tuple[QuicConnection, int] | None:
        if len(here) == 1:
            return here[0]
        for size in self._sizes:
            found = (
                self._ids.get(data[1 : 1 + size]) if size >= (1 if here else _SHORTEST_GLOBAL_ID) else None
            )
            if found is not None and (not here or any(found[0] is c for c, _ in here)):
                return found[0], 1 - found[1]
        if here:
            return here[-1]
        https = _HTTPS in (endpoints[source].port, endpoints[target].port)
        if https and data[0] & headers.FIXED and len(data) >= _SMALLEST_SHORT and not _google(data):
            self.passed_over[NOT_SEEN_TO_BEGIN] += 1
        return None

    def _begin(
        self,
        data: bytes,
        path: tuple[int, int],
        endpoints: list[Endpoint],
        keys: KeyLog,
        number: int,
        time_ns: int,
    ) -> tuple[QuicConnection, int] | None:
        """A new connection, if the datagram is one that can begin it."""
        undecoded = ""
        header = headers.read_long(data) if data[0] & headers.LONG else None
        google = _google(data)
        if header is None:
            if not google:
                return None
            undecoded = f"{google} is not decoded"
        elif header.form is Form.UNKNOWN:
            if not versions.named_by_quic(header.version):
                self.passed_over[UNKNOWN_VERSION] += 1
                return None
            if not versions.is_reserved(header.version):
                undecoded = f"{versions.name(header.version)} is not decoded"
        elif header.form is Form.VERSION_NEGOTIATION:
            self.passed_over[UNKNOWN_VERSION] += 1
            return None
        client_first = header is None or header.form in (Form.ZERO_RTT, Form.UNKNOWN)
        if header is not None and header.form in (Form.INITIAL, Form.HANDSHAKE, Form.RETRY):
            client_first = not _looks_like_server(endpoints[path[0]], endpoints[path[1]])
        client, server = path if client_first else path[::-1]
        self.opened += 1
        facts = Connection(
            id=self.opened,
            client=endpoints[client],
            server=endpoints[server],
            first_packet=number,
            opened_ns=time_ns,
            mid_stream=header is not None and header.form is not Form.UNKNOWN,
            roles_guessed=header is not None and header.form is not Form.UNKNOWN,
        )
        connection = QuicConnection(facts, keys, client=0 if client_first else 1)
        connection.undecoded = undecoded
        if undecoded:
            facts.application = undecoded.removesuffix(" is not decoded")
        self._open[facts.id] = connection
        return connection, 0

    def _after(self, connection: QuicConnection, sender: int, path: tuple[int, int]) -> None:
        """Remember what the connection's next packets may be known by."""
        self._open.move_to_end(connection.facts.id)
        for connection_id, end in connection.learnt:
            if connection_id and connection_id not in self._ids:
                self._sizes[len(connection_id)] += 1
                self._ids[connection_id] = connection, end
        connection.learnt.clear()
        for route, end in ((path, sender), (path[::-1], 1 - sender)):
            here = self._paths.setdefault(route, [])
            if not here or here[-1][0] is not connection:
                entry = connection, end
                if entry in here:
                    here.remove(entry)
                else:
                    self._routes.setdefault(connection.facts.id, []).append(route)
                here.append(entry)
                del here[:-_MOST_ON_PATH]

    def _sweep(self) -> list[QuicConnection]:
        """Let go of connections that ended a while ago, or were silent for long, or are too many."""
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
    if data[0] & _GOOGLE_MASK == _GOOGLE_BITS and len(data) > 13 and versions.is_google(data[9:13]):
        return versions.name(int.from_bytes(data[9:13], "big"))
    return ""


def _looks_like_server(sender: Endpoint, receiver: Endpoint) -> bool:
    """By the ports: a server's is well known, a client's is not."""
    return sender.port == _HTTPS != receiver.port or (sender.port < 1024 <= receiver.port)
