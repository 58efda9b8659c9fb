"""Slow exchanges, against what the same server does otherwise."""

from __future__ import annotations

from msgspec.structs import replace

from plainwire.diagnose import diagnose
from plainwire.model import ACK, PSH, Connection, Exchange, Finding
from tests.diagnose.wire import CLIENT, SERVER, Wire, only


def usual(wire: Wire, count: int = 10) -> float:
    for place in range(count):
        wire.ok(place * 200)
    return count * 200


def slow(*, wait: float = 3000, count: int = 10, acknowledged: bool = True) -> list[Finding]:
    wire = Wire()
    at = usual(wire, count)
    wire.ask(at)
    if acknowledged:
        wire.ack(SERVER, at + 81)
    exchange = wire.answer(at + wait)
    _timed(exchange)
    return diagnose([wire.done()])


def _timed(exchange: Exchange) -> None:
    assert exchange.request is not None
    assert exchange.response is not None
    exchange.duration_ns = exchange.response.last_ns - exchange.request.time_ns


def test_an_answer_that_takes_much_longer_than_others_of_its_kind() -> None:
    finding = only(slow())
    assert (finding.code, finding.fault, finding.certainty) == ("slow-first-byte", "server", "proved")
    assert not finding.failure
    assert "median of 10 others" in finding.claim


def test_without_an_acknowledgment_ahead_of_the_answer_it_is_only_likely() -> None:
    assert only(slow(acknowledged=False)).certainty == "likely"


def test_slowness_is_not_told_without_a_baseline_nor_by_less_than_a_second() -> None:
    assert slow(count=4) == []
    assert slow(wait=900) == []


def test_a_kind_of_request_that_is_often_slow_is_as_it_is() -> None:
    wire = Wire()
    for place in range(12):
        wire.ask(place * 5000)
        _timed(wire.answer(place * 5000 + (3000 if place % 3 == 0 else 80)))
    assert diagnose([wire.done()]) == []


def body(*, stall: float, known: bool = True, window: int = 500) -> Connection:
    """Ten quick answers, then one whose second half comes late."""
    wire = Wire()
    at = usual(wire)
    wire.ask(at)
    exchange = wire.answer(at + 80, framing="content-length" if known else "chunked")
    wire.ack(CLIENT, at + 81)
    wire.rows[-1].window = window
    last = wire.segment(SERVER, at + 81 + stall, length=100, flags=ACK | PSH)
    assert exchange.response is not None
    exchange.response = replace(
        exchange.response, last_packet=last.packet, last_ns=last.time_ns, end=exchange.response.end + 100
    )
    _timed(exchange)
    return wire.done()


def test_a_body_that_stops_in_its_middle() -> None:
    finding = only(diagnose([body(stall=2500)]))
    assert (finding.code, finding.fault, finding.failure) == ("slow-body-stall", "server", False)
    assert "silent for 2.501 s" in finding.claim


def test_a_body_whose_length_was_not_known_may_have_had_to_wait() -> None:
    assert diagnose([body(stall=2500, known=False)]) == []


def test_a_client_without_room_stalled_the_body_itself() -> None:
    assert diagnose([body(stall=2500, window=0)]) == []


def resent(*, late: float) -> list[Finding]:
    wire = Wire()
    usual(wire)
    request = wire.ask(5000).request
    assert request is not None
    wire.segment(CLIENT, 5000 + late, seq=request.start, length=99, flags=ACK | PSH)
    wire.ack(SERVER, 5000 + late + 80)
    _timed(wire.answer(5000 + late + 90))
    connection = wire.done()
    connection.retransmissions[CLIENT] = 1
    return diagnose([connection])


def test_a_request_that_arrived_only_when_sent_again() -> None:
    finding = only(resent(late=220))
    assert (finding.code, finding.fault, finding.failure) == ("retransmission-loss", "path", False)
    assert "220 ms later" in finding.claim


def test_a_copy_that_follows_at_once_cost_nothing() -> None:
    assert resent(late=30) == []


def expecting(*, wait: float = 1000, interim: bool = False) -> list[Finding]:
    wire = Wire()
    exchange = wire.ask(0, method="PUT", size=200)
    assert exchange.request is not None
    exchange.request.headers.append(("Expect", "100-continue"))
    wire.ack(SERVER, 80)
    last = wire.segment(CLIENT, wait, length=2048, flags=ACK | PSH)
    exchange.request.end, exchange.request.body_size = 2248, 2048
    exchange.request.last_packet, exchange.request.last_ns = last.packet, last.time_ns
    answered = wire.answer(wait + 81)
    _timed(answered)
    if interim:
        assert answered.response is not None
        answered.interim.append(replace(answered.response, status=100))
    return diagnose([wire.done()])


def test_a_body_that_waited_for_a_100_in_vain() -> None:
    finding = only(expecting())
    assert (finding.code, finding.fault, finding.certainty) == ("100-continue-stall", "server", "proved")
    assert not finding.failure


def test_a_100_that_came_refutes_it() -> None:
    assert expecting(interim=True) == []


def test_an_upload_that_its_sender_did_not_finish() -> None:
    wire = Wire()
    request = wire.ask(0, method="PUT", size=500, complete=False).request
    assert request is not None
    request.declared_size, request.body_size = 1000, 400
    wire.ack(SERVER, 80)
    wire.close(SERVER, "fin", 20_080)
    finding = only(diagnose([wire.done("unanswered")]))
    assert (finding.code, finding.fault, finding.certainty) == ("request-body-timeout", "client", "proved")
    assert "400 of 1000" in finding.claim


def test_a_408_to_a_body_that_did_not_come() -> None:
    wire = Wire()
    request = wire.ask(0, method="PUT", size=500, complete=False).request
    assert request is not None
    request.declared_size, request.body_size = 1000, 400
    wire.ack(SERVER, 80)
    wire.answer(20_000, status=408)
    finding = only(diagnose([wire.done()]))
    assert (finding.code, finding.fault) == ("request-body-timeout", "client")


def window(*, again: float) -> list[Finding]:
    wire = Wire()
    exchange = wire.ask(0, method="PUT", size=5000)
    wire.segment(SERVER, 80, ack=3000)
    wire.rows[-1].window = 0
    wire.segment(SERVER, 80 + again, ack=3000)
    _timed(wire.answer(200 + again))
    assert exchange.request is not None
    return diagnose([wire.done()])


def test_a_server_that_does_not_read_for_long() -> None:
    finding = only(window(again=2000))
    assert (finding.code, finding.fault, finding.certainty) == ("zero-window-stall", "server", "proved")


def test_a_window_that_opens_again_soon_is_how_flow_control_works() -> None:
    assert window(again=300) == []


def small_writes(*, delay: float, count: int = 6) -> list[Finding]:
    """Responses in two segments, the second of which waits for the client's acknowledgment."""
    wire = Wire(rtt=1.0)
    for place in range(count):
        at = place * 500.0
        wire.ask(at)
        exchange = wire.answer(at + 1)
        wire.ack(CLIENT, at + 1 + delay)
        last = wire.segment(SERVER, at + 2 + delay, length=100, flags=ACK | PSH)
        assert exchange.response is not None
        exchange.response = replace(
            exchange.response, last_packet=last.packet, last_ns=last.time_ns, end=exchange.response.end + 100
        )
        _timed(exchange)
    return diagnose([wire.done()])


def test_two_small_writes_that_wait_for_a_delayed_acknowledgment() -> None:
    finding = only(small_writes(delay=41))
    assert (finding.code, finding.fault, finding.failure) == ("nagle-delayed-ack", "server", False)


def test_a_few_of_them_or_another_delay_are_no_pattern() -> None:
    assert small_writes(delay=41, count=3) == []
    assert small_writes(delay=120) == []


def test_the_delay_of_a_program_that_thinks_between_two_writes_is_not_tied_to_the_acknowledgment() -> None:
    wire = Wire(rtt=1.0)
    for place in range(6):
        at = place * 500.0
        wire.ask(at)
        exchange = wire.answer(at + 1)
        wire.ack(CLIENT, at + 2)
        last = wire.segment(SERVER, at + 45, length=100, flags=ACK | PSH)
        assert exchange.response is not None
        exchange.response = replace(exchange.response, last_packet=last.packet, last_ns=last.time_ns)
        _timed(exchange)
    assert diagnose([wire.done()]) == []
