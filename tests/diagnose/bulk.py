"""Traffic in bulk, without packets: what the comparison reads of connections, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field

from plainwire.model import Connection, Endpoint, Exchange, Finding, Request, Response

EPOCH_NS = 1_700_000_000_000_000_000
SECOND = 1_000_000_000
SERVERS = [Endpoint(f"203.0.113.{n}", 443) for n in range(1, 9)]


@dataclass
class Traffic:
    """Requests, one by one, each on a connection of its own or on the one before it."""

    connections: list[Connection] = field(default_factory=list)
    failed: dict[str, list[int]] = field(default_factory=dict)
    count: int = 0
    clock_ns: int = EPOCH_NS

    def connect(self, server: int = 0, port: int | None = None) -> Connection:
        number = len(self.connections) + 1
        client = Endpoint("192.0.2.7", 40_000 + number if port is None else port)
        connection = Connection(number, client, SERVERS[server], number, self.clock_ns)
        connection.rtt_syn_ns = SECOND // 50
        connection.established = True
        self.connections.append(connection)
        return connection

    def ask(
        self,
        idle: float,
        *,
        code: str | None = None,
        status: int | None = 200,
        target: str = "/object/17",
        method: str = "GET",
        size: int = 0,
        headers: list[tuple[str, str]] | None = None,
    ) -> Exchange:
        """A request on the newest connection, ``idle`` seconds after its last byte; ``code``: it fails."""
        connection = self.connections[-1]
        self.clock_ns += int(idle * SECOND)
        self.count += 1
        first = not connection.exchanges
        request = Request(
            method, target, "HTTP/1.1", headers or [("Host", "storage.example")],
            100 * len(connection.exchanges), 100 * len(connection.exchanges) + 100,
            time_ns=self.clock_ns, last_ns=self.clock_ns, body_size=size, complete=True,
        )  # fmt: skip
        self.clock_ns += SECOND // 50
        response = None
        if code is None or status != 200:
            response = Response(
                status or 200, "", "HTTP/1.1", [], 0, 10, time_ns=self.clock_ns, last_ns=self.clock_ns,
                body_size=100, declared_size=100, complete=True,
            )  # fmt: skip
        exchange = Exchange(
            self.count, connection.id, len(connection.exchanges) + 1, request, response,
            "complete" if response is not None else "unanswered",
            idle_before_ns=None if first else int(idle * SECOND), duration_ns=SECOND // 50,
        )  # fmt: skip
        connection.exchanges.append(exchange)
        if code is not None:
            self.failed.setdefault(code, []).append(exchange.id)
        return exchange

    def findings(self) -> list[Finding]:
        return [Finding(code, "", "server", "likely", ids, [], [], "") for code, ids in self.failed.items()]
