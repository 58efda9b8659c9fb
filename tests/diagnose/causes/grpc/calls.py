"""A connection of HTTP/2 with gRPC calls, in the making. Times in milliseconds."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from plainwire.model import Connection, Exchange, Finding, Grpc, StreamEvent
from tests.diagnose.wire import CLIENT, EPOCH_NS, MS, SERVER, Wire, only


class Calls:
    """Calls on one connection, one after the other."""

    def __init__(self) -> None:
        self.wire = Wire()
        self.events: list[StreamEvent] = []

    def call(
        self,
        at: float,
        status: int | None,
        *,
        after: float = 100,
        message: str = "",
        timeout: float | None = None,
        largest: tuple[int, int] = (5, 5),
    ) -> Exchange:
        """A whole call whose status comes ``after`` its request."""
        exchange = self.wire.ask(at, "/shop.Orders/Get", method="POST")
        self.wire.answer(at + after)
        exchange.protocol, exchange.stream = "h2", 2 * len(self.wire.exchanges) - 1
        response = exchange.response
        assert response
        exchange.grpc = Grpc(
            "/shop.Orders/Get",
            status,
            message,
            [1, 1],
            timeout_ns=None if timeout is None else int(timeout * MS),
            status_packet=response.packet,
            status_ns=response.last_ns,
            largest=list(largest),
        )
        return exchange

    def goaway(self, at: float, name: str = "NO_ERROR", said: str = "") -> StreamEvent:
        """The server's GOAWAY, with all streams in."""
        row = self.wire.segment(SERVER, at, length=40)
        event = StreamEvent("goaway", SERVER, row.time_ns, row.packet, code=0, name=name, said=said)
        event = StreamEvent(
            event.kind, SERVER, event.time_ns, event.packet, None, 0, name, (1 << 31) - 1, said=said
        )
        self.events.append(event)
        return event

    def frames(self, kind: str, count: int, every: float, begin: float = 0) -> None:
        """Frames of the client."""
        for number in range(count):
            at = begin + number * every
            packet = self.wire.segment(CLIENT, at, length=17).packet
            self.events.append(StreamEvent(kind, CLIENT, EPOCH_NS + int(at * MS), packet))

    def connection(self) -> Connection:
        connection = self.wire.done()
        connection.application, connection.events = "h2", sorted(self.events, key=lambda e: e.time_ns)
        return connection

    def finding(self) -> Finding:
        return only(diagnose([self.connection()]))
