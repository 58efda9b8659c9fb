"""Responses whose header is larger than the client takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire.diagnose.testimony.refused_heads import refused_defects, refused_heads
from plainwire.diagnose.testimony.sayings import read_messages
from tests.diagnose.testimony.speech import JAVA, NODE, OWNER, PYTHON, account, words
from tests.diagnose.wire import Wire, only

if TYPE_CHECKING:
    from plainwire.model import Connection, Process

UNDICI = "  [cause]: HeadersOverflowError: Headers Overflow Error\n"
AIOHTTP = (
    'aiohttp.http_exceptions.LineTooLong: 400, message:\n  Got more than 8190 bytes when reading: b"a"\n'
)
REQUESTS = "http.client.HTTPException: got more than 100 headers\n"


def _answered(*fields: tuple[str, str]) -> Connection:
    wire = Wire()
    wire.ask(0)
    response = wire.answer(80).response
    assert response is not None
    response.headers += fields
    connection = wire.done()
    connection.program = OWNER
    return connection


LARGE = _answered(("Set-Cookie", "a" * 20_000))
MANY = _answered(*((f"X-{number}", "1") for number in range(150)))
SMALL = _answered(("X", "1"))


@pytest.mark.parametrize(
    ("connection", "text", "process", "says"),
    [
        (LARGE, UNDICI, NODE, "the largest field of 20010 bytes"),
        (LARGE, AIOHTTP, PYTHON, "the largest field of 20010 bytes"),
        (MANY, REQUESTS, PYTHON, "150 fields"),
        (SMALL, UNDICI, NODE, ""),
        (LARGE, "Error: socket hang up\n", NODE, ""),
    ],
)
def test_what_the_client_says_and_the_header_shows(
    connection: Connection, text: str, process: Process, says: str
) -> None:
    events = account(words(text, 90), process=process)
    findings = refused_heads([connection], events, read_messages(events))
    assert bool(findings) == bool(says)
    if says:
        finding = only(findings)
        assert (finding.code, finding.fault, finding.exchanges) == ("client-own-error", "unknown", [1])
        assert says in finding.claim


def test_a_defect_that_only_this_client_minds() -> None:
    """The JDK's client keeps the connection when it has refused a response: nothing on the wire tells."""
    broken = _answered(("X Bad", "1"))
    response = broken.exchanges[0].response
    assert response is not None
    response.defects = ["field name is no token: 'X Bad'"]
    said = 'java.net.ProtocolException: Invalid header name "X Bad"\n'
    for connection, text in ((broken, said), (SMALL, said), (broken, "")):
        events = account(words(text, 90), process=JAVA)
        findings = refused_defects([connection], [], events, read_messages(events))
        assert [f.code for f in findings] == ["bad-framing"] * (connection is broken and bool(text))


def test_bytes_behind_a_response_that_is_told_are_not_told_again() -> None:
    wire = Wire()
    first, stray = wire.ok(0), wire.unasked(81)
    assert stray.response is not None
    stray.response.defects = ["8 bytes that are no response: 'garbage!'"]
    connection = wire.done()
    connection.program = OWNER
    events = account(words("Error: Parse Error: Expected HTTP/, RTSP/ or ICE/\n", 90), process=NODE)
    heard = read_messages(events)
    (told,) = refused_defects([connection], [], events, heard)
    assert told.exchanges == [stray.id]
    told.exchanges = [first.id]
    assert refused_defects([connection], [told], events, heard) == []
