"""Requests that leave when another one's stream is free: told beside a failure of the same server."""

from __future__ import annotations

import pytest

from plainwire.diagnose import diagnose
from plainwire.model import Connection, StreamEvent
from tests.diagnose.wire import CLIENT, EPOCH_NS, SERVER, Wire

LIMIT = 2


def crowded(*, after: float = 0.5, limit: int = LIMIT, fails: bool = True) -> Connection:
    """Twelve requests of 100 ms, two at a time, each ``after`` ms behind the end of another."""
    wire = Wire()
    settings = wire.segment(SERVER, 0, length=40)
    free = [float(10 + n) for n in range(LIMIT)]
    acts = []
    for number in range(12):
        at = min(free)
        free[free.index(at)] = at + 100 + after
        acts += [(at, "ask", number), (at + 100, "answer", number)]
    asked = {}
    for at, act, number in sorted(acts):
        if act == "ask":
            exchange = wire.ask(at, f"/{number}")
            exchange.protocol, exchange.stream = "h2", 2 * number + 1
            asked[number] = exchange
        else:
            place = wire.exchanges.index(asked[number])
            wire.exchanges, rest = wire.exchanges[: place + 1], wire.exchanges[place + 1 :]
            wire.answer(at)
            wire.exchanges += rest
    if fails:
        last = wire.ask(5000, "/last")
        last.protocol, last.stream, last.outcome = "h2", 99, "unanswered"
        row = wire.segment(SERVER, 5100, length=40)
        last.reset = StreamEvent("rst_stream", SERVER, row.time_ns, row.packet, 99, 2, "INTERNAL_ERROR")
    connection = wire.done()
    connection.application = "h2"
    detail = f"HEADER_TABLE_SIZE=4096, MAX_CONCURRENT_STREAMS={limit}"
    connection.events = [StreamEvent("settings", SERVER, EPOCH_NS, settings.packet, detail=detail)]
    if fails and last.reset is not None:
        connection.events.append(last.reset)
    return connection


def codes(connection: Connection) -> set[str]:
    return {finding.code for finding in diagnose([connection])}


def test_requests_in_the_place_of_others_at_the_servers_limit() -> None:
    (remark,) = [f for f in diagnose([crowded()]) if f.code == "h2-concurrency-queue"]
    assert (remark.certainty, remark.failure) == ("possible", False)
    assert "The server allows 2 streams at a time. 10 requests left" in remark.claim
    assert 1 in remark.packets  # the SETTINGS


@pytest.mark.parametrize(
    "connection",
    [
        crowded(limit=3),  # one was free all the time
        crowded(limit=1),  # it is not held to the limit
        crowded(after=30),  # nothing waited
        crowded(fails=False),
    ],
)
def test_others_are_left_alone(connection: Connection) -> None:
    assert "h2-concurrency-queue" not in codes(connection)


def test_setting_of_the_client_is_none_of_the_servers() -> None:
    connection = crowded()
    event = connection.events[0]
    connection.events[0] = StreamEvent("settings", CLIENT, event.time_ns, event.packet, detail=event.detail)
    assert "h2-concurrency-queue" not in codes(connection)
