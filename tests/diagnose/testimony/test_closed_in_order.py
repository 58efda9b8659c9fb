"""WebSockets that a server closed in order, and programs that fail over that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire.diagnose.testimony.closed_in_order import closed_in_order, ended_behind_close
from plainwire.diagnose.testimony.sayings import read_messages
from tests.diagnose.causes.websocket.sockets import Socket
from tests.diagnose.testimony.speech import OWNER, account, words
from tests.diagnose.wire import CLIENT, EPOCH_NS, MS, SERVER, only

if TYPE_CHECKING:
    from plainwire.model import Connection, Finding, Side, Words


def found(connections: list[Connection], *said: Words, status: int = 1) -> list[Finding]:
    events = account(*said, status=status)
    return list(closed_in_order(connections, events, read_messages(events)))


def idle(number: int, silence: float, code: int = 1001, reason: str = "") -> Connection:
    socket = Socket(number, 10_000 * number).message(SERVER, 300).bye(SERVER, 300 + silence, code, reason)
    connection = socket.end(SERVER, "fin", 400 + silence)
    connection.program = OWNER
    return connection


@pytest.mark.parametrize(
    ("code", "by", "spoke", "found_it"),
    [
        (
            1000,
            SERVER,
            "websockets.exceptions.ConnectionClosedOK: received 1000 (OK); then sent 1000 (OK)\n",
            True,
        ),
        (1001, SERVER, "ConnectionClosedOK: received 1001 (going away); then sent 1001 (going away)\n", True),
        (
            1000,
            CLIENT,
            "websockets.exceptions.ConnectionClosedOK: sent 1000 (OK); then received 1000 (OK)\n",
            False,
        ),
        (1011, SERVER, "ConnectionClosedError: received 1011 (internal error)\n", False),
    ],
)
def test_a_websocket_that_the_server_closed_in_order(
    code: int, by: Side, spoke: str, *, found_it: bool
) -> None:
    connection = Socket().message(CLIENT, 300).bye(by, 500, code).end(by, "fin", 600)
    connection.program = OWNER
    findings = found([connection], words(spoke, 700))
    assert [(f.code, f.fault) for f in findings] == ([("client-own-error", "both")] if found_it else [])


def test_limit_of_silence_of_the_server_that_the_program_failed_over() -> None:
    """Tomcat, Jetty and Undertow close idle WebSockets with 1001; the program says nothing that we know."""
    finding = only(found([idle(1, 1500), idle(2, 1520)]))
    assert (finding.code, finding.fault, finding.exchanges) == ("client-own-error", "both", [1, 2])
    assert "for 1.500 s to 1.520 s before: the server's limit of silence" in finding.claim
    assert "PINGs" in finding.advice_client


def test_limit_of_silence_by_the_reason_of_one_close() -> None:
    finding = only(found([idle(1, 1500, reason="Connection Idle Timeout")]))
    assert [quote.text for quote in finding.quotes] == ["Connection Idle Timeout"]


@pytest.mark.parametrize(
    ("connections", "status"),
    [
        ([idle(1, 1500), idle(2, 1520)], 0),
        ([idle(1, 1500), idle(2, 2900)], 1),
        ([idle(1, 1500, 1000), idle(2, 1520, 1000)], 1),
        ([idle(1, 1500)], 1),
    ],
    ids=["the program went on", "silences differ", "the server was done", "once"],
)
def test_ends_in_order_that_show_no_limit(connections: list[Connection], status: int) -> None:
    assert found(connections, status=status) == []


@pytest.mark.parametrize(
    ("later", "by", "status", "found_it"),
    [(30, SERVER, 1, True), (3000, SERVER, 1, False), (30, CLIENT, 1, False), (30, SERVER, 0, False)],
    ids=["right behind", "long after", "the client closed", "the program is content"],
)
def test_program_that_ends_right_behind_such_a_close(
    later: float, by: Side, status: int, *, found_it: bool
) -> None:
    """Granian closes without a code where its application raised, and Node's ws prints a number."""
    connection = Socket().message(CLIENT, 300).bye(by, 500, 1005).end(by, "fin", 600)
    connection.program = OWNER
    events = account(words("closed 1005\n", 510), status=status)
    events.ended_ns = EPOCH_NS + int((500 + later) * MS)
    findings = list(ended_behind_close([connection], [], events))
    assert [(f.code, f.fault, f.certainty) for f in findings] == (
        [("client-own-error", "unknown", "possible")] if found_it else []
    )
    failed = [] if not findings else list(ended_behind_close([connection], findings, events))
    assert failed == []  # where another finding tells of a failure


def test_one_age_of_all_is_said() -> None:
    """Daphne's ``--websocket_timeout`` ends WebSockets that talk as well as those that do not."""
    talks = [Socket(n, 10_000 * n).message(CLIENT, 300).message(SERVER, 2900 + n) for n in (1, 2)]
    ends = [talk.bye(SERVER, 3000 + n, 1000).end(SERVER, "fin", 3100) for n, talk in enumerate(talks)]
    for end in ends:
        end.program = OWNER
    spoke = "ConnectionClosedOK: received 1000 (OK); then sent 1000 (OK)\n"
    assert "a limit of their age" in only(found(ends, words(spoke, 24_000))).claim
