"""The workloads, by name: what is said on which connections, at what size."""

from __future__ import annotations

import shutil
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from speed.made import CLIENT, SERVER, CaptureFile, Contexts, Http2, Session, head

if TYPE_CHECKING:
    from collections.abc import Callable

_REQUEST = (
    "GET /v1/objects/backup-{number:06d}.tar HTTP/1.1\r\nHost: storage.example\r\n"
    "User-Agent: python-requests/2.32.3\r\nAccept-Encoding: gzip, deflate\r\nAccept: application/json\r\n"
    "Connection: keep-alive\r\nAuthorization: Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.c3luY2gtam9i\r\n"
    "X-Request-Id: {number:032x}\r\n\r\n"
)
_RESPONSE = (
    "HTTP/1.1 {status}\r\nServer: nginx/1.24.0\r\nDate: Mon, 30 Nov 2026 10:00:00 GMT\r\n"
    "Content-Type: application/json\r\nContent-Length: {size}\r\nConnection: keep-alive\r\n"
    "X-Trans-Id: {number:032x}\r\nCache-Control: no-store\r\n\r\n"
)
_BODY = b'{"name": "backup.tar", "owner": "AUTH_acme", "bytes": 48213, "tags": ["backup", "weekly"]}'
_TLS12, _TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
_THINK_US = 2_000


@dataclass(frozen=True, slots=True)
class Workload:
    """``make`` writes the packets of ``size`` units; ``small`` and ``large`` are sizes worth a look.

    ``shown`` is what tshark is asked to show: its protocol.
    """

    name: str
    make: Callable[[CaptureFile, Contexts, int], None]
    small: int
    large: int
    version: ssl.TLSVersion = _TLS13
    protocol: str = "http/1.1"
    disorder: float = 0.0
    keys: bool = True

    @property
    def shown(self) -> str:
        """The protocol as tshark names it."""
        return {"http/1.1": "http", "h2": "http2"}[self.protocol]

    def write(self, path: Path, size: int) -> None:
        """Make the capture."""
        with (
            tempfile.TemporaryDirectory(prefix="plainwire-speed-") as made,
            tempfile.TemporaryFile() as packets,
        ):
            contexts = Contexts(Path(made), self.version, [self.protocol])
            capture = CaptureFile(packets, disorder=self.disorder)
            self.make(capture, contexts, size)
            capture.flush()
            packets.seek(0)
            with path.open("wb") as file:
                file.write(head(contexts.keys.read_bytes() if self.keys else b""))
                shutil.copyfileobj(packets, file, 1 << 20)


def _exchange(
    capture: CaptureFile, session: Session, number: int, *, failing: int = 0, repeats: int = 1
) -> None:
    failed = failing and number % failing == failing - 1
    status = "503 Service Unavailable" if failed else "200 OK"
    body = b"" if failed else _BODY * repeats
    session.say(CLIENT, _REQUEST.format(number=number).encode())
    capture.tick(_THINK_US)
    response = _RESPONSE.format(status=status, size=len(body), number=number).encode() + body
    session.say(SERVER, response)


def _few_connections(failing: int = 0, repeats: int = 1) -> Callable[[CaptureFile, Contexts, int], None]:
    def make(capture: CaptureFile, contexts: Contexts, exchanges: int) -> None:
        sessions = [Session(capture, number, contexts) for number in range(4)]
        for session in sessions:
            session.open()
        for number in range(exchanges):
            _exchange(
                capture, sessions[number * 2654435761 >> 7 & 3], number, failing=failing, repeats=repeats
            )
        for session in sessions:
            session.close()

    return make


def _many_connections(failing: int = 0) -> Callable[[CaptureFile, Contexts, int], None]:
    """One exchange each, eight connections at a time."""

    def make(capture: CaptureFile, contexts: Contexts, connections: int) -> None:
        for first in range(0, connections, 8):
            numbers = range(first, min(first + 8, connections))
            sessions = [Session(capture, number, contexts) for number in numbers]
            for session in sessions:
                session.open()
            for number, session in zip(numbers, sessions, strict=True):
                _exchange(capture, session, number, failing=failing)
            for session in sessions:
                session.close()

    return make


def _download(capture: CaptureFile, contexts: Contexts, megabytes: int) -> None:
    session = Session(capture, 0, contexts)
    session.open()
    session.say(CLIENT, _REQUEST.format(number=0).encode())
    session.say(SERVER, _RESPONSE.format(status="200 OK", size=megabytes * 1_000_000, number=0).encode())
    block = bytes(range(250)) * 4000
    for _ in range(megabytes):
        session.say(SERVER, block)
    session.close()


_H2_REQUEST = [
    (":method", "GET"), (":scheme", "https"), (":authority", "storage.example"), (":path", ""),
    ("user-agent", "okhttp/4.12"), ("accept", "application/json"),
    ("authorization", "Bearer eyJhbGciOiJIUzI1NiJ9"),
]  # fmt: skip
_H2_RESPONSE = [
    (":status", "200"), ("server", "nginx"), ("content-type", "application/json"),
    ("cache-control", "no-store"),
]  # fmt: skip
_GRPC_REQUEST = [
    (":method", "POST"), (":scheme", "https"), (":authority", "storage.example"),
    (":path", "/store.Store/Get"),
    ("content-type", "application/grpc"), ("te", "trailers"), ("grpc-timeout", "5S"),
]  # fmt: skip
_GRPC_RESPONSE = [(":status", "200"), ("content-type", "application/grpc")]
_GRPC_MESSAGE = b"\0\0\0\0\x20" + b"\x0a\x1e" + b"x" * 30
_STREAMS = 100


def _multiplexed(capture: CaptureFile, contexts: Contexts, exchanges: int) -> None:
    session = Session(capture, 0, contexts)
    session.open()
    http = Http2(session)
    client, server = http.ends
    for first in range(0, exchanges, _STREAMS):
        streams = []
        for number in range(first, min(first + _STREAMS, exchanges)):
            streams.append(client.get_next_available_stream_id())
            request = [(n, f"/v1/objects/{number}" if n == ":path" else v) for n, v in _H2_REQUEST]
            client.send_headers(streams[-1], request, end_stream=True)
            http.pass_on(CLIENT)
        capture.tick(_THINK_US)
        for stream in streams:
            server.send_headers(stream, [*_H2_RESPONSE, ("x-trans-id", f"{stream:032x}")])
        http.pass_on(SERVER)
        for stream in streams:
            server.send_data(stream, _BODY, end_stream=True)
            http.pass_on(SERVER)
            client.acknowledge_received_data(len(_BODY), stream)
        http.pass_on(CLIENT)
    session.close()


def _grpc(capture: CaptureFile, contexts: Contexts, calls: int) -> None:
    session = Session(capture, 0, contexts)
    session.open()
    http = Http2(session)
    client, server = http.ends
    for _ in range(calls):
        stream = client.get_next_available_stream_id()
        client.send_headers(stream, _GRPC_REQUEST)
        client.send_data(stream, _GRPC_MESSAGE, end_stream=True)
        http.pass_on(CLIENT)
        server.acknowledge_received_data(len(_GRPC_MESSAGE), stream)
        capture.tick(_THINK_US)
        server.send_headers(stream, _GRPC_RESPONSE)
        server.send_data(stream, _GRPC_MESSAGE)
        server.send_headers(stream, [("grpc-status", "0")], end_stream=True)
        http.pass_on(SERVER)
        client.acknowledge_received_data(len(_GRPC_MESSAGE), stream)
        http.pass_on(CLIENT)
    session.close()


WORKLOADS = (
    Workload("few", _few_connections(), 50_000, 1_000_000),
    Workload("few-1.2", _few_connections(), 50_000, 1_000_000, version=_TLS12),
    Workload("few-failing", _few_connections(failing=100), 50_000, 1_000_000),
    Workload("many", _many_connections(), 5_000, 20_000),
    Workload("many-failing", _many_connections(failing=100), 5_000, 20_000),
    Workload("download", _download, 200, 1_000),
    Workload("h2", _multiplexed, 20_000, 200_000, protocol="h2"),
    Workload("grpc", _grpc, 10_000, 100_000, protocol="h2"),
    Workload("disorder", _few_connections(failing=100, repeats=50), 20_000, 200_000, disorder=0.02),
    Workload("no-keys", _few_connections(), 50_000, 1_000_000, keys=False),
)
