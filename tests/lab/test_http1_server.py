"""What the object store really does to a connection, seen by the kernel below the client's TLS."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from plainwire.lab import certificates
from plainwire.lab.behaviour import Behaviour, Fault, Greeting, Manner
from plainwire.lab.http1_session import BODY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOST = "127.0.0.1"
REQUEST = b"GET /object HTTP/1.1\r\nHost: lab\r\n\r\n"


@dataclass(frozen=True)
class Store:
    port: int
    context: ssl.SSLContext
    log: Path
    process: subprocess.Popen[bytes]

    def connect(self) -> ssl.SSLSocket:
        plain = socket.create_connection((HOST, self.port), timeout=20)
        return self.context.wrap_socket(plain, server_hostname=HOST, suppress_ragged_eofs=False)

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]


@contextlib.contextmanager
def _store(folder: Path, behaviour: Behaviour) -> Iterator[Store]:
    papers = certificates.make(folder, (HOST,))
    log = folder / "server.jsonl"
    arguments = [HOST, papers.chain, papers.key, log, folder / "server.keys", behaviour.to_json()]
    command = [sys.executable, "-m", "plainwire.lab.http1_server", *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            context = ssl.create_default_context(cafile=str(papers.authority))
            context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF  # set in some CPythons: it would hide a cut
            yield Store(port, context, log, process)
        finally:
            process.kill()


def _end_on_the_wire(connection: ssl.SSLSocket) -> str:
    """How the kernel saw the connection end, whatever TLS makes of it: ``fin`` or ``rst``."""
    with socket.socket(fileno=connection.detach()) as raw:
        raw.settimeout(20)
        try:
            while raw.recv(65536):
                pass
        except ConnectionResetError:
            return "rst"
        return "fin"


def _end_in_tls(connection: ssl.SSLSocket) -> tuple[bytes, str]:
    """What could be read, and how TLS ended: ``close_notify`` or ``cut``."""
    received = b""
    try:
        while data := connection.recv(65536):
            received += data
    except ConnectionResetError:
        return received, "cut"
    except ssl.SSLError as error:
        if isinstance(error, ssl.SSLEOFError) or error.reason == "UNEXPECTED_EOF_WHILE_READING":
            return received, "cut"
        raise
    return received, "close_notify"


@pytest.mark.parametrize(
    ("fault", "end"),
    [
        (Fault.RESET_MID_REQUEST, "rst"),
        (Fault.RESET_MID_RESPONSE, "rst"),
        (Fault.CLOSE_MID_REQUEST, "fin"),
        (Fault.FIN_MID_REQUEST, "fin"),
        (Fault.TRUNCATE, "fin"),
    ],
)
def test_connection_ends_on_the_wire_as_ordered(fault: Fault, end: str, tmp_path: Path) -> None:
    with _store(tmp_path, Behaviour(schedule={1: fault})) as store, store.connect() as connection:
        connection.sendall(REQUEST)
        assert _end_on_the_wire(connection) == end


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize(
    ("fault", "body", "end"),
    [
        (Fault.CLOSE_MID_REQUEST, None, "close_notify"),
        (Fault.FIN_MID_REQUEST, None, "cut"),
        (Fault.TRUNCATE, BODY[:512], "close_notify"),
        (Fault.TRUNCATE_SILENTLY, BODY[:512], "cut"),
        (Fault.TRUNCATE_CHUNKED, b"400\r\n" + BODY + b"\r\n", "close_notify"),
        (Fault.TRUNCATE_CHUNKED_SILENTLY, b"400\r\n" + BODY + b"\r\n", "cut"),
    ],
)
def test_tls_ends_as_ordered(
    fault: Fault, body: bytes | None, end: str, version: str, tmp_path: Path
) -> None:
    behaviour = Behaviour(schedule={1: fault}, tls=version)
    with _store(tmp_path, behaviour) as store, store.connect() as connection:
        assert connection.version() == f"TLSv{version}"
        connection.sendall(REQUEST)
        received, ended = _end_in_tls(connection)
    assert ended == end
    assert received.partition(b"\r\n\r\n")[2] == (body or b"")
    assert bool(received) is (body is not None)


@pytest.mark.parametrize(
    ("behaviour", "request_", "status"),
    [
        (Behaviour(head_limit=20), REQUEST, 431),
        (Behaviour(), REQUEST.replace(b"Host:", b"Ho st:"), 400),
        (Behaviour(broken="/object"), REQUEST, 500),
        (Behaviour(broken="/other"), REQUEST, 200),
        (Behaviour(schedule={1: Fault.MISSING}), REQUEST, 404),
        (Behaviour(schedule={1: Fault.SKEWED}), REQUEST, 403),
        (Behaviour(schedule={1: Fault.FIREWALL}), REQUEST, 403),
    ],
)
def test_requests_are_refused_as_ordered_and_the_connection_stays(
    behaviour: Behaviour, request_: bytes, status: int, tmp_path: Path
) -> None:
    with _store(tmp_path, behaviour) as store, store.connect() as connection:
        connection.sendall(request_)
        assert connection.recv(65536).startswith(b"HTTP/1.1 %d " % status)
        connection.sendall(REQUEST)
        assert connection.recv(65536).startswith(b"HTTP/1.1 ")


def test_the_rest_of_a_body_is_waited_for_as_long_as_ordered(tmp_path: Path) -> None:
    with _store(tmp_path, Behaviour(body_timeout=0.2)) as store, store.connect() as connection:
        connection.sendall(REQUEST.replace(b"Host", b"Content-Length: 10\r\nHost") + b"half")
        received, ended = _end_in_tls(connection)
    assert received.startswith(b"HTTP/1.1 408 ")
    assert ended == "close_notify"
    assert [event["event"] for event in store.events()] == ["body-timeout"]


def test_a_client_that_takes_nothing_is_reset(tmp_path: Path) -> None:
    with _store(tmp_path, Behaviour(send_timeout=0.2, body_size=50_000_000)) as store:
        connection = store.connect()
        connection.sendall(REQUEST)
        for _ in range(200):
            if any(event["event"] == "send-timeout" for event in store.events()):
                break
            time.sleep(0.1)
        assert _end_on_the_wire(connection) == "rst"


def test_idle_connection_is_closed_with_an_unasked_408_if_so_ordered(tmp_path: Path) -> None:
    behaviour = Behaviour(idle_timeout=0.2, idle_manner=Manner.TIMEOUT_408)
    with _store(tmp_path, behaviour) as store, store.connect() as connection:
        received, ended = _end_in_tls(connection)
    assert received.startswith(b"HTTP/1.1 408 ")
    assert ended == "close_notify"
    assert [event["event"] for event in store.events()] == ["idle-close"]


@pytest.mark.parametrize(
    ("manner", "end"), [(Manner.CLOSE, "fin"), (Manner.FIN, "fin"), (Manner.RESET, "rst")]
)
def test_idle_connection_is_closed_in_the_manner_ordered(manner: Manner, end: str, tmp_path: Path) -> None:
    behaviour = Behaviour(idle_timeout=0.2, idle_manner=manner)
    with _store(tmp_path, behaviour) as store, store.connect() as connection:
        assert _end_on_the_wire(connection) == end


@pytest.mark.parametrize("announce", [True, False])
def test_last_response_of_a_connection_says_so_only_if_ordered(announce: bool, tmp_path: Path) -> None:  # noqa: FBT001
    behaviour = Behaviour(max_requests=1, announce=announce)
    with _store(tmp_path, behaviour) as store, store.connect() as connection:
        connection.sendall(REQUEST)
        received, ended = _end_in_tls(connection)
    assert received.endswith(BODY)
    assert (b"\r\nConnection: close\r\n" in received) is announce
    assert ended == "close_notify"


def test_early_refusal_of_an_upload_ends_in_a_reset(tmp_path: Path) -> None:
    with _store(tmp_path, Behaviour(schedule={1: Fault.EARLY_413})) as store, store.connect() as connection:
        connection.sendall(b"PUT /object HTTP/1.1\r\nHost: lab\r\nContent-Length: 300000\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")
        with contextlib.suppress(OSError):
            connection.sendall(b"x" * 300_000)
        assert _end_on_the_wire(connection) == "rst"


@pytest.mark.parametrize(
    ("greeting", "error"),
    [
        (Greeting.RESET, ConnectionResetError),
        (Greeting.CLOSE, ssl.SSLError),
        (Greeting.ALERT, ssl.SSLError),
        (Greeting.PLAINTEXT, ssl.SSLError),
    ],
)
def test_greeting_is_ill_treated_on_the_connections_named(
    greeting: Greeting, error: type[OSError], tmp_path: Path
) -> None:
    with _store(tmp_path, Behaviour(greetings={2: greeting})) as store:
        with store.connect() as connection:
            connection.sendall(REQUEST)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        with pytest.raises((error, ssl.SSLError)):  # CPython 3.10 to 3.12 report some resets as EOF
            store.connect()
        assert [event["fault"] for event in store.events() if event["event"] == "greeting"] == [greeting]


def test_crashed_store_is_away_and_comes_back(tmp_path: Path) -> None:
    behaviour = Behaviour(schedule={2: Fault.CRASH}, delay=0.5)
    with _store(tmp_path, behaviour) as store:
        with store.connect() as bystander, store.connect() as connection:
            bystander.sendall(REQUEST)
            while not bystander.recv(65536).endswith(BODY):  # the store knows it now
                pass
            connection.sendall(REQUEST)
            assert _end_on_the_wire(connection) == "rst"
            assert _end_on_the_wire(bystander) == "rst"
        for _ in range(200):
            with contextlib.suppress(ConnectionError):
                store.connect().close()
                break
            time.sleep(0.1)
        else:
            pytest.fail("not back after 20 s")


def test_announced_close_leaves_the_next_request_unanswered(tmp_path: Path) -> None:
    with (
        _store(tmp_path, Behaviour(schedule={1: Fault.ANNOUNCE_CLOSE})) as store,
        store.connect() as connection,
    ):
        connection.sendall(REQUEST)
        while not (received := connection.recv(65536)).endswith(BODY):
            pass
        assert b"\r\nConnection: close\r\n" in received
        connection.sendall(REQUEST)
        assert _end_in_tls(connection) == (b"", "close_notify")


def test_log_tells_what_was_read_and_what_was_done(tmp_path: Path) -> None:
    with _store(tmp_path, Behaviour(schedule={2: Fault.RESET_MID_REQUEST})) as store:
        with store.connect() as connection:
            upload = b"PUT /object HTTP/1.1\r\nHost: lab\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100_000
            connection.sendall(upload)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
            connection.sendall(REQUEST)
            assert _end_on_the_wire(connection) == "rst"
        told = [(e["event"], e.get("method"), e.get("fault")) for e in store.events()]
    assert told == [
        ("request", "PUT", "none"),
        ("response", None, None),
        ("request", "GET", "reset-mid-request"),
    ]


def test_it_ends_when_its_parent_lets_go(tmp_path: Path) -> None:
    with _store(tmp_path, Behaviour()) as store, store.connect() as connection:
        assert store.process.stdin is not None
        store.process.stdin.close()
        assert store.process.wait(30) == 0
        assert _end_on_the_wire(connection)


def test_keys_are_private(tmp_path: Path) -> None:
    papers = certificates.make(tmp_path, ("object.example", HOST))
    assert [path.stat().st_mode & 0o777 for path in (papers.key, papers.bundle)] == [0o600, 0o600]
    assert b"PRIVATE" not in papers.chain.read_bytes() + papers.authority.read_bytes()
