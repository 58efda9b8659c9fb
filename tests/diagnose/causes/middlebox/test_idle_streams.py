"""Idle connections of HTTP/2 that something had forgotten: as on HTTP/1, told by packets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from plainwire.diagnose import diagnose
from tests.diagnose.wire import CLIENT, SERVER, Wire, only

if TYPE_CHECKING:
    from plainwire.model import Connection


def multiplexed(wire: Wire) -> Connection:
    for number, exchange in enumerate(wire.exchanges):
        exchange.protocol, exchange.stream = "h2", 2 * number + 1
    connection = wire.done()
    connection.application = "h2"
    return connection


@pytest.mark.parametrize(
    ("ttl", "code", "fault"), [(57, "half-open-connection", "unknown"), (250, "nat-idle-reset", "path")]
)
def test_a_reset_that_answers_the_first_data_after_a_pause(ttl: int, code: str, fault: str) -> None:
    wire = Wire()
    wire.ok(0)
    exchange = wire.ask(5080, method="POST")
    exchange.outcome = "unanswered"
    wire.close(SERVER, "rst", 5161, bare=True, ttl=ttl)
    finding = only(diagnose([multiplexed(wire)]))
    assert (finding.code, finding.fault, finding.retry_safe) == (code, fault, True)
    assert "5.000 s" in finding.claim


def test_a_stream_that_was_open_all_the_while_died_with_its_connection() -> None:
    wire = Wire()
    exchange = wire.ask(0, "/watch", method="POST")
    wire.answer(80, complete=False, declared=None, framing="stream")
    wire.segment(CLIENT, 9080, length=17)  # a PING
    exchange.outcome = "truncated"
    wire.close(SERVER, "rst", 9160, bare=True)
    finding = only(diagnose([multiplexed(wire)]))
    assert finding.code == "half-open-connection"
    assert "idle for 9.000 s with this stream open" in finding.claim


def test_data_that_nobody_answers_after_a_pause_are_the_paths() -> None:
    wire = Wire()
    wire.ok(0)
    exchange = wire.ask(5080)
    request = exchange.request
    assert request
    for at in (5300, 5700, 6500, 8100):
        wire.segment(CLIENT, at, length=99, seq=request.start)
    exchange.outcome = "aborted"
    wire.close(CLIENT, "fin", 9000)
    assert {finding.code for finding in diagnose([multiplexed(wire)])} == {"nat-idle-drop"}


def test_a_reset_in_the_middle_of_traffic_is_no_matter_of_idleness() -> None:
    wire = Wire()
    wire.ok(0)
    exchange = wire.ask(120)
    exchange.outcome = "unanswered"
    wire.close(SERVER, "rst", 201, bare=True)
    assert only(diagnose([multiplexed(wire)])).code == "h2-close-without-goaway"
