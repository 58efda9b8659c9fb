"""Failures that the kernel told of, and that left no packet."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from plainwire.diagnose.testimony.sayings import read_messages
from plainwire.diagnose.testimony.without_packet import without_packet
from plainwire.model import Process, StreamEvent
from tests.diagnose.causes.websocket.sockets import Socket
from tests.diagnose.testimony.speech import JAVA, NODE, OWNER, PID, PYTHON, account, error, words
from tests.diagnose.wire import CLIENT, SERVER, Wire, only

if TYPE_CHECKING:
    from plainwire.model import Connection, Finding, SocketError, Words

NO_ROUTE = "OSError: [Errno 101] Network is unreachable\n"


def found(
    connections: list[Connection], *errors: SocketError, said: tuple[Words, ...] = (), status: int = 0
) -> list[Finding]:
    events = account(*said, status=status)
    events.errors += errors
    return without_packet(connections, events, read_messages(events))


def refused_by_the_host(at: float, peer: str = "[2001:db8::1]:443") -> SocketError:
    return replace(error(errno.ENETUNREACH, at, "connect"), local="[::]:0", peer=peer)


def idle(*, closed_before: bool = False) -> Connection:
    wire = Wire()
    wire.ok(0)
    if closed_before:
        wire.close(CLIENT, "fin", 500)
    wire.close(SERVER, "rst", 1000)
    return wire.done()


def test_write_on_a_connection_that_was_reset_while_idle() -> None:
    failed = error(errno.ECONNRESET, 1800, call="send")
    finding = only(found([idle()], failed))
    assert (finding.code, finding.connections, finding.retry_safe) == ("stale-connection-reuse", [1], True)
    assert "the request never left" in finding.claim


def test_what_is_written_of_an_upload_that_was_answered_early_is_no_other_request() -> None:
    uploading = idle()
    request = uploading.exchanges[0].request
    assert request is not None
    request.complete = False
    assert found([uploading], error(errno.ECONNRESET, 1800, call="send")) == []


def test_the_end_of_tls_on_a_connection_that_was_to_be_closed_is_no_request() -> None:
    connection = idle()
    response = connection.exchanges[-1].response
    assert response is not None
    response.close_announced = True
    assert found([connection], error(errno.ECONNRESET, 1800, call="send")) == []


def test_a_reset_behind_the_end_of_a_websocket_is_no_request() -> None:
    connection = (
        Socket().message(CLIENT, 300).bye(SERVER, 500, 1011).bye(CLIENT, 510, 1011).end(SERVER, "rst", 520)
    )
    assert found([connection], error(errno.ECONNRESET, 1800, call="write")) == []


def test_reset_that_came_with_others_is_the_servers() -> None:
    busy = Wire(id=2, first_exchange=20, first_packet=200)
    busy.ask(900)
    busy.close(SERVER, "rst", 1001)
    finding = only(found([idle(), busy.done("unanswered")], error(errno.ECONNRESET, 1800, call="send")))
    assert (finding.fault, finding.connections) == ("server", [1])
    assert "the server's process ended" in finding.claim


def test_read_that_finds_an_idle_connection_reset_is_no_failure() -> None:
    """A pool that looks whether its connection still lives."""
    failed = error(errno.ECONNRESET, 1800, call="recv")
    assert found([idle()], failed) == []


def test_reset_behind_the_clients_own_close_is_no_failure() -> None:
    failed = error(errno.ECONNRESET, 1800, call="send")
    assert found([idle(closed_before=True)], failed) == []


def test_write_before_the_reset_is_none_of_it() -> None:
    failed = error(errno.EPIPE, 900, call="send")
    assert found([idle()], failed) == []


def test_host_without_a_route_that_the_program_complains_of() -> None:
    finding = only(found([], refused_by_the_host(0), said=(words(NO_ROUTE, 1),)))
    assert (finding.code, finding.fault) == ("no-route", "client")
    assert "[2001:db8::1]:443 failed once with ENETUNREACH" in finding.claim


def test_program_that_went_on_to_another_address_did_not_fail() -> None:
    wire = Wire()
    wire.ok(10)
    assert found([wire.done()], refused_by_the_host(0)) == []


def test_program_that_failed_and_said_nothing() -> None:
    assert [f.code for f in found([], refused_by_the_host(0), status=7)] == ["no-route"]


GOAWAY_RECEIVED = "java.io.IOException: /127.0.0.1:38300: GOAWAY received\n"


def ended_in_order(name: str = "NO_ERROR") -> Connection:
    wire = Wire()
    wire.ok(0)
    row = wire.segment(SERVER, 90, length=17)
    connection = wire.done()
    connection.application = "h2"
    connection.events = [StreamEvent("goaway", SERVER, row.time_ns, row.packet, name=name, last_stream=1)]
    connection.program = OWNER
    return connection


@pytest.mark.parametrize(
    ("name", "process", "text", "found"),
    [
        ("NO_ERROR", JAVA, GOAWAY_RECEIVED, True),
        ("NO_ERROR", PYTHON, "httpx.LocalProtocolError: in state ConnectionState.CLOSED\n", True),
        ("NO_ERROR", NODE, 'SocketError: HTTP/2: "GOAWAY" frame received with code 0\n', True),
        ("NO_ERROR", NODE, "Error [ERR_HTTP2_GOAWAY_SESSION]: New streams cannot be created\n", True),
        ("ENHANCE_YOUR_CALM", JAVA, GOAWAY_RECEIVED, False),
        ("NO_ERROR", JAVA, "java.io.IOException: something else\n", False),
    ],
)
def test_an_end_in_order_that_the_client_takes_for_an_error(
    name: str,
    process: Process,
    text: str,
    found: bool,  # noqa: FBT001
) -> None:
    events = account(words(text, 100), process=process)
    heard = read_messages(events)
    said = without_packet([ended_in_order(name)], events, heard)
    assert [finding.code for finding in said] == ["client-own-error"] * found


@pytest.mark.parametrize("detail", ["MAX_CONCURRENT_STREAMS=1, INITIAL_WINDOW_SIZE=65535", "ENABLE_PUSH=0"])
def test_requests_that_the_client_refused_for_the_servers_limit_of_streams(detail: str) -> None:
    connection = ended_in_order()
    connection.events = [StreamEvent("settings", SERVER, 0, 4, detail=detail)]
    events = account(words("java.io.IOException: too many concurrent streams\n", 100), process=JAVA)
    heard = read_messages(events)
    findings = without_packet([connection], events, heard)
    assert [finding.code for finding in findings] == ["client-own-error"] * ("MAX" in detail)
    assert all("allows 1 stream at a time" in f.claim and f.packets == [4] for f in findings)


def test_no_route_by_the_words_of_a_program_whose_calls_are_not_seen() -> None:
    """Go makes its calls without the C library."""
    text = 'error: Get "https://10.9.0.7/": dial tcp 10.9.0.7:443: connect: network is unreachable\n'
    events = account(words(text, 5), process=replace(NODE, command="client", runtime="go"))
    for connections, codes in (([], ["no-route"]), ([idle()], [])):
        findings = without_packet(connections, events, read_messages(events))
        assert [finding.code for finding in findings] == codes


@pytest.mark.parametrize(
    "text",
    [
        "Failed to open stream: Network is unreachable",
        "(No route to host - connect(2) for 192.0.2.1:80) (Errno::EHOSTUNREACH)",
        "599 Could not connect to '192.0.2.1:80': Network is unreachable",
        "java.net.NoRouteToHostException: No route to host",
        'Get "http://192.0.2.1/": dial tcp 192.0.2.1:80: connect: network is unreachable',
    ],
)
def test_how_runtimes_say_that_there_is_no_way(text: str) -> None:
    runtime = "java" if "java" in text else "go" if "dial" in text else "php"
    process = Process(PID, runtime, f"/usr/bin/{runtime}", runtime)
    events = account(words(text + "\n", 1), process=process)
    assert only(without_packet([], events, read_messages(events))).code == "no-route"


@pytest.mark.parametrize(("witnessed", "code"), [(True, ["no-route"]), (False, [])])
def test_a_connect_that_left_no_socket_for_the_kernel_to_tell_of(code: list[str], *, witnessed: bool) -> None:
    """Libcurl in PHP, before which nobody stands; a capture of another interface has no SYN either."""
    events = account(words("cURL error 7: Failed to connect to 192.0.2.1 port 80 after 0 ms\n", 1))
    events.witnessed = witnessed
    assert [f.code for f in without_packet([], events, read_messages(events))] == code
