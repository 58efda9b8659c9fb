"""A client that takes each response for that of the request before it, and one that pipelines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from plainwire.diagnose import diagnose
from tests.diagnose.wire import CLIENT, MS, Wire

if TYPE_CHECKING:
    from plainwire.model import Connection, Finding


def _talk(sent: float, *, interim: int = 0, answered: float = 800) -> Connection:
    """The second request leaves at ``sent``, the response to the first, asked for at 500, at ``answered``."""
    wire = Wire()
    wire.ok(0)
    first = wire.ask(500)
    wire.answer(answered)
    assert first.response is not None
    if interim:
        first.interim.append(
            replace(first.response, status=interim, time_ns=first.response.time_ns - 200 * MS)
        )
    second = wire.ask(1_000)
    wire.rows[-1].ack = first.response.start
    wire.answer(1_100)
    assert second.request is not None
    second.request.time_ns = second.request.last_ns = first.response.time_ns + int((sent - answered) * MS)
    wire.ok(1_500)
    return wire.done()


def _found(connection: Connection) -> list[Finding]:
    return [f for f in diagnose([connection]) if f.code == "response-desync"]


def test_a_request_behind_an_interim_response_shifts_all_that_follow() -> None:
    (finding,) = _found(_talk(700, interim=103))
    assert (finding.fault, finding.exchanges) == ("client", [2, 3, 4])
    assert "103" in finding.claim


def test_a_request_after_a_long_wait_on_the_same_connection_shifts_as_well() -> None:
    (finding,) = _found(_talk(5_500, answered=6_000))
    assert (finding.fault, finding.certainty) == ("client", "likely")


def test_a_100_that_is_taken_for_the_final_response_shifts_as_well() -> None:
    (finding,) = _found(_talk(700, interim=100))
    assert (finding.fault, finding.exchanges) == ("client", [2, 3, 4])


def test_the_last_response_which_the_client_has_no_use_for_is_no_failure_of_its_own() -> None:
    wire = Wire()
    wire.ok(0)
    first = wire.ask(500)
    wire.answer(6_000)
    assert first.response is not None
    second = wire.ask(6_010)
    assert second.request is not None
    wire.rows[-1].ack = first.response.start
    second.request.time_ns = second.request.last_ns = first.response.time_ns - 500 * MS
    wire.close(CLIENT, "fin", 6_020)
    (finding,) = diagnose([wire.done("aborted")])
    assert (finding.code, finding.exchanges) == ("response-desync", [2, 3])


def test_pipelining_is_no_shift() -> None:
    assert not _found(_talk(510))
    assert not _found(_talk(700))


def test_a_client_that_gives_up_after_half_a_second_and_goes_on_in_turn() -> None:
    wire = Wire()
    wire.ok(0)
    wire.ok(200)
    wire.ask(400)
    wire.ask(1_000)
    following = wire.exchanges.pop()
    wire.answer(2_000)
    wire.exchanges.append(following)
    wire.answer(2_001)
    (finding,) = _found(wire.done())
    assert (finding.fault, finding.certainty, finding.exchanges) == ("client", "likely", [3, 4])


def test_a_client_that_waits_for_the_final_response_behind_a_103_is_right() -> None:
    assert not _found(_talk(900, interim=103))


def test_a_request_that_acknowledges_the_response_came_behind_it_whatever_the_order_of_packets() -> None:
    connection = _talk(5_500, answered=6_000)
    second, segments = connection.exchanges[2].request, connection.segments
    assert second is not None
    assert segments is not None
    segments.ack[segments.number == second.packet] = 400
    assert _found(connection) == []
