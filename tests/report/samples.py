"""Small reports to print."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from plainwire.model import Connection, Coverage, Exchange, Report
from tests.diagnose.wire import SERVER, Wire

HOSTILE = "/a\x1b[31m\u202e\u2028?token=hunter2&page=2"
SECRET_HEADERS = [
    ("Host", "storage.example"),
    ("Authorization", "Bearer hunter2"),
    ("X-Auth-Token", "hunter2"),
    ("Cookie", "session=hunter2"),
]


def report(*connections: Connection, coverage: Coverage | None = None) -> Report:
    """A report on ``connections``, with full coverage unless told otherwise."""
    exchanges = [exchange for connection in connections for exchange in connection.exchanges]
    full = Coverage(packets=99, packets_dropped=0, connections=len(connections), decrypted=len(connections))
    return Report(coverage or full, list(connections), exchanges, [], diagnose(connections))


def healthy() -> Connection:
    wire = Wire()
    wire.ok(0)
    wire.ok(100)
    return wire.done()


def failing(target: str = HOSTILE) -> Connection:
    """A reset in mid-request, on an exchange whose every part is hostile or secret."""
    wire = Wire(id=2, first_exchange=10, first_packet=100)
    spoil(wire.ok(0))
    spoil(wire.ask(500, target))
    wire.close(SERVER, "rst", 580)
    return wire.done("unanswered")


def spoil(exchange: Exchange) -> None:
    if exchange.request is not None:
        exchange.request.headers = [*SECRET_HEADERS, ("X-<script>", "\x1b]0;owned\x07")]
        exchange.request.body = b"hunter2"
    if exchange.response is not None:
        exchange.response.headers = [("Set-Cookie", "id=hunter2"), ("Server", "<b>x</b>")]
        exchange.response.reason = "\x9b2J"
