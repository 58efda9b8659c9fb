"""A client that left in silence: whether it was a timer, its words or its exit status tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from plainwire.diagnose import diagnose
from plainwire.diagnose.testimony.sayings import read_messages
from plainwire.diagnose.testimony.spoken_timeouts import spoken_timeouts
from plainwire.model import Process, ProgramEvents, Sign
from tests.diagnose.testimony.speech import OWNER, PID, account, words
from tests.diagnose.wire import CLIENT, SERVER, Wire, only

if TYPE_CHECKING:
    from plainwire.model import Connection

CURL = Process(PID, "curl", "/usr/bin/curl", "curl", "7.88.1")
GO, GET = Process(PID, "client", runtime="go"), 'Get "https://a.example/x"'
GAVE_UP_AT = 1370.0


def _left(number: int = 1) -> Connection:
    """Muqsit/Tebex#13, lexiforest/curl_cffi#551: an answer that is awaited for an odd time, once."""
    wire = Wire(id=number, first_exchange=number, first_packet=number * 100, start=number * 700)
    wire.ask(0)
    wire.ack(SERVER, 1)
    wire.close(CLIENT, "close_notify", GAVE_UP_AT + number * 100)
    wire.close(CLIENT, "fin", GAVE_UP_AT + number * 100)
    connection = wire.done("aborted")
    connection.program = OWNER
    return connection


def _code(connections: list[Connection], events: ProgramEvents) -> tuple[str, str, str]:
    finding = only(diagnose(connections))
    assert finding.code == "client-abort"
    signs = [Sign("no-http-response", [2], 1, 1, claimed_by="client-abort")]
    spoken_timeouts(connections, [finding], signs, events, read_messages(events))
    assert signs[0].claimed_by == finding.code
    return finding.code, finding.fault, finding.certainty


@pytest.mark.parametrize(
    ("events", "code"),
    [
        (account(process=CURL, status=28), "client-timeout-too-short"),
        (account(words("TimeoutError: The read operation timed out\n", 2200)), "client-timeout-too-short"),
        (account(words(f"{GET}: context deadline exceeded\n", 2200), process=GO), "client-timeout-too-short"),
        (account(words(f"{GET}: context canceled\n", 2200), process=GO), "client-abort"),
        (account(words("KeyboardInterrupt\n", 2200)), "client-abort"),
        (account(process=CURL, status=23), "client-abort"),
        (account(status=28), "client-abort"),
    ],
)
def test_one_wait_that_the_program_says_timed_out(events: ProgramEvents, code: str) -> None:
    assert _code([_left()], events)[0] == code


def test_nobody_is_sure_of_what_only_words_tell() -> None:
    assert _code([_left()], account(process=CURL, status=28)) == (
        "client-timeout-too-short",
        "client",
        "likely",
    )


def test_a_status_does_not_say_which_of_two_it_was() -> None:
    assert _code([_left(), _left(2)], account(process=CURL, status=28))[0] == "client-abort"


def test_what_one_limit_ended_at_once_is_said_once() -> None:
    """aio-libs/aiohttp#1463, #2538: tasks under one limit, whose words are the same for each."""
    first, second = _left(), _left(2)
    second.closes = [replace(close, time_ns=first.closes[0].time_ns + 1) for close in second.closes]
    assert _code([first, second], account(words("TimeoutError\n", 1480)))[0] == "client-timeout-too-short"
    assert _code([_left(), _left(2)], account(words("TimeoutError\n", 1480)))[0] == "client-abort"
