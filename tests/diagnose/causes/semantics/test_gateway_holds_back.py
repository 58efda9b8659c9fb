"""Both sides of a gateway in one capture: what it held back, and whose limit cut a stream."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from plainwire.model import Connection, Endpoint, EventStream
from tests.diagnose.wire import CLIENT, SERVER, Wire, only

GATEWAY, ORIGIN = Endpoint("203.0.113.7", 443), Endpoint("10.0.0.9", 9000)
INSIDE = Endpoint("203.0.113.7", 51000)


def behind(*, parts: int = 5, every: float = 500, end: float, by: int = CLIENT) -> Connection:
    """The gateway's own request, answered by parts of a stream, until ``end``."""
    wire = Wire(2, 0.2, INSIDE, ORIGIN, first_exchange=2, first_packet=500, tls=False)
    exchange = wire.ask(1, "/events")
    wire.answer(5, complete=False, declared=None, framing="chunked")
    response = exchange.response
    assert response
    for number in range(1, parts + 1):
        row = wire.segment(SERVER, 5 + number * every, length=90)
        response.last_packet, response.last_ns, response.end = row.packet, row.time_ns, row.seq + 90
        response.body_size += 90
    response.event_stream = EventStream(parts)
    wire.close(CLIENT if by == CLIENT else SERVER, "fin", end)
    return wire.done("aborted" if by == CLIENT else "truncated")


def test_a_gateway_that_had_events_and_passed_none_on_is_named() -> None:
    front = Wire(rtt=1)
    front.ask(0, "/events")
    front.ack(SERVER, 1)
    front.close(CLIENT, "fin", 3000)
    finding = only(diagnose([front.done("aborted"), behind(end=3004)]))
    assert (finding.code, finding.fault, finding.exchanges) == ("gateway-holds-back", "server", [1, 2])
    assert "10.0.0.9:9000" in finding.claim
    assert "5 events" in finding.claim
    assert "passed on not a byte" in finding.claim


def test_a_gateway_that_had_nothing_either_is_not() -> None:
    front = Wire(rtt=1)
    front.ask(0, "/events")
    front.ack(SERVER, 1)
    front.close(CLIENT, "fin", 3000)
    inside = Wire(2, 0.2, INSIDE, ORIGIN, first_exchange=2, first_packet=500, tls=False)
    inside.ask(1, "/events")
    inside.ack(SERVER, 2)
    inside.close(CLIENT, "fin", 3004)
    finding = only(diagnose([front.done("aborted"), inside.done("aborted")]))
    assert (finding.code, finding.exchanges) == ("client-timeout-too-short", [1])


def test_a_limit_of_the_gateways_own_shows_in_the_silence_behind_it() -> None:
    front = Wire(rtt=1)
    front.ask(0, "/events")
    front.answer(7, complete=False, declared=None, framing="chunked")
    front.close(SERVER, "fin", 2010)
    finding = only(diagnose([front.done("truncated"), behind(parts=0, end=2006)]))
    assert (finding.code, finding.certainty, finding.exchanges) == ("stream-idle-timeout", "likely", [1, 2])
    assert "the limit is the gateway's" in finding.claim


def test_two_requests_of_one_client_are_no_gateway() -> None:
    front = Wire(rtt=1)
    front.ask(0, "/events")
    front.ack(SERVER, 1)
    front.close(CLIENT, "fin", 3000)
    other = behind(end=3004)
    other.client = Endpoint(front.client.address, 51001)
    assert len(diagnose([front.done("aborted"), other])) == 2


def test_a_stream_that_was_gathered_first_came_late_and_did_not_fail() -> None:
    front = Wire(rtt=1)
    front.ask(0, "/events")
    front.answer(2600, declared=None, framing="chunked")
    (exchange,) = front.exchanges
    assert exchange.response
    exchange.response.event_stream = EventStream(5)
    inside = behind(end=2550, by=SERVER)
    inside.exchanges[0].outcome = "complete"
    finding = only(diagnose([front.done(), inside]))
    assert (finding.code, finding.exchanges, finding.failure) == ("gateway-holds-back", [1, 2], False)
    assert "passed none of it on for 2.595 s" in finding.claim
