"""Answers that were there and could not be read, because bytes before them were missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from plainwire.diagnose import diagnose
from tests.diagnose.wire import CLIENT, SERVER, Wire, only

if TYPE_CHECKING:
    from plainwire.model import Connection

LATE = 400.0  # ms: when the missing bytes come


def four_streams(*arrivals: float, lost: int = 1, acks: bool = True) -> Connection:
    """Four requests at once, answered in order; the segment of answer ``lost`` (from 1) comes at ``LATE``."""
    wire = Wire()
    for number in range(4):
        exchange = wire.ask(number, f"/{number}")
        exchange.protocol, exchange.stream = "h2", 2 * number + 1
    late = None
    for number, at in enumerate(arrivals or (100, 101, 102, 103)):
        wire.exchanges, rest = wire.exchanges[: number + 1], wire.exchanges[number + 1 :]
        if number == lost:
            late = number, wire.sent[SERVER]
            wire.sent[SERVER] += 200
        else:
            wire.answer(at)
            if acks and late is not None:
                wire.segment(CLIENT, at + 0.1, ack=late[1])
        wire.exchanges += rest
    if late is not None:
        number, seq = late
        after = wire.sent[SERVER]
        wire.exchanges, rest = wire.exchanges[: number + 1], wire.exchanges[number + 1 :]
        wire.sent[SERVER] = seq
        wire.answer(LATE)
        wire.exchanges += rest
        wire.sent[SERVER] = after
    connection = wire.done()
    connection.application = "h2"
    return connection


def test_answers_behind_a_hole_were_held_back_until_it_was_filled() -> None:
    connection = four_streams()
    finding = only(diagnose([connection]))
    assert (finding.code, finding.fault, finding.failure) == ("h2-tcp-hol-blocking", "path", False)
    assert finding.exchanges == [3, 4]
    assert "200 bytes of the server's were missing. 400 bytes from behind them were there" in finding.claim
    assert "for 298 ms" in finding.claim
    response = connection.exchanges[1].response
    assert response is not None
    assert response.packet in finding.packets


def test_hole_that_is_filled_at_once_is_nothing() -> None:
    assert diagnose([four_streams(396, 397, 398, 399)]) == []


def test_hole_behind_which_nothing_waits_is_nothing() -> None:
    assert diagnose([four_streams(lost=3)]) == []


def test_http_1_has_no_other_streams() -> None:
    connection = four_streams()
    connection.application = "http/1.1"
    for exchange in connection.exchanges:
        exchange.protocol = "http/1.1"
    assert "h2-tcp-hol-blocking" not in {finding.code for finding in diagnose([connection])}


@given(
    st.lists(
        st.tuples(st.integers(0, 60), st.integers(0, 40), st.integers(0, 900), st.booleans()), max_size=60
    )
)
def test_any_order_of_any_segments_is_judged(segments: list[tuple[int, int, int, bool]]) -> None:
    wire = Wire()
    for number in range(2):
        exchange = wire.ask(number)
        exchange.protocol = "h2"
    wire.answer(50)
    for at, (seq, length, wait, server) in enumerate(segments):
        wire.segment(SERVER if server else CLIENT, 60 + at + wait, length=length, seq=seq * 10, ack=seq)
    connection = wire.done()
    connection.application = "h2"
    for finding in diagnose([connection]):
        assert finding.code != "h2-tcp-hol-blocking" or finding.exchanges
