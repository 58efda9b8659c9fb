"""Small reports to print."""

from __future__ import annotations

from plainwire.diagnose import account, diagnose
from plainwire.model import (
    Connection,
    Content,
    Coverage,
    Endpoint,
    EventStream,
    Exchange,
    Grpc,
    IcmpError,
    NamedSetting,
    QuicInfo,
    Report,
    Side,
    StreamEvent,
    TlsInfo,
    Tunnel,
    WebSocket,
    WebSocketClose,
    WebSocketFrame,
    WebSocketPing,
)
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
    findings = diagnose(connections)
    signs = account(connections, findings)
    return Report(coverage or full, list(connections), exchanges, [], findings, signs=signs)


def with_settings(made: Report) -> Report:
    """The same with a setting named on each side of its first finding."""
    made.findings[0].settings = [
        NamedSetting("client", "curl", "retries", "curl: curl --retry 3 (default: 0).", "curl(1), --retry"),
        NamedSetting(
            "server",
            "nginx",
            "idle limit",
            "nginx: keepalive_timeout 91s; (default: 75 s).",
            "https://nginx.org/en/docs/",
        ),
    ]
    return made


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


def rich(connection: Connection) -> Connection:
    """The connection with everything that only some have, hostile where text comes from the wire."""
    first, last = connection.exchanges[0], connection.exchanges[-1]
    client, server = Endpoint("192.0.2.1", 5000), Endpoint("192.0.2.2", 443)
    event = StreamEvent(
        "goaway", Side.SERVER, 0, 7, None, 11, "\x1b[31mENHANCE", last_stream=3, detail="\x1b]0;owned\x07"
    )
    connection.tunnels = [Tunnel("SOCKS 5", "\x1b[31m.example:443", 3, "no\x1b[2J")]
    connection.inner_tls = [TlsInfo("TLS 1.3", server_name="\x1b[31m.example", early_data="accepted")]
    connection.inner_tls[0].hello_retry, connection.inner_tls[0].renegotiations = True, 1
    connection.icmp_errors = [IcmpError(9, 0, "192.0.2.9", 3, 1, "host unreachable", 6, client, server)]
    connection.events = [event]
    connection.quic = QuicInfo(version="QUIC v1", paths=[(client, server)])
    connection.duplicates, connection.conflicting = 1, [8]
    first.protocol, last.protocol, last.stream, last.via = "websocket", "h2", 3, first
    last.pushed, last.reset = True, event
    last.grpc = Grpc("/a\x1b[31m.b/C", 14, "\x1b]0;owned\x07")
    frame = WebSocketFrame(Side.CLIENT, 1, fin=True, rsv=0, masked=True, size=5, packet=11, time_ns=0)
    close = WebSocketClose(1008, "\x1b[31mBearer hunter2", 13, 0)
    first.websocket = WebSocket(
        [frame], [1, 0], [1, 0], [5, 0], [None, 1008], defects=["masks"], closes=[None, close],
        pings=[WebSocketPing(Side.SERVER, 12, 0)],
    )  # fmt: skip
    if first.response is not None:
        first.response.content = Content(["gzip"], 5, defect="corrupt gzip")
        first.response.event_stream = EventStream(2, error_packet=12, error="\x1b]0;owned\x07 token=hunter2")
    return connection


def spoil(exchange: Exchange) -> None:
    if exchange.request is not None:
        exchange.request.headers = [*SECRET_HEADERS, ("X-<script>", "\x1b]0;owned\x07")]
        exchange.request.body = b"hunter2"
    if exchange.response is not None:
        exchange.response.headers = [("Set-Cookie", "id=hunter2"), ("Server", "<b>x</b>")]
        exchange.response.reason = "\x9b2J"
