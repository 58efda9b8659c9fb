"""A request on a connection that was not free."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from tests.diagnose.wire import SERVER, Wire, only


def overlapping(*, sent_at: float, had: int) -> Wire:
    """The first answer takes from 80 to 200 ms; the second request leaves meanwhile."""
    wire = Wire()
    first = wire.ask(0)
    response = wire.answer(80, size=1000).response
    second = wire.ask(sent_at)
    wire.rows[-1].ack = had
    row = wire.segment(SERVER, 200, length=1000)
    assert response is not None
    response.end, response.last_ns, response.last_packet = 2000, row.time_ns, row.packet
    assert first.outcome == "complete"
    assert second.request is not None
    return wire


def test_a_request_in_the_middle_of_the_response_before_it_is_the_client_s() -> None:
    wire = overlapping(sent_at=120, had=1000)
    wire.close(SERVER, "fin", 250)
    finding = only(diagnose([wire.done("unanswered")]))
    assert (finding.code, finding.fault) == ("response-not-drained", "client")
    assert "1000 of 2000 bytes" in finding.claim


def test_a_request_before_the_response_had_begun_is_pipelined() -> None:
    wire = overlapping(sent_at=120, had=0)
    wire.close(SERVER, "fin", 250)
    finding = only(diagnose([wire.done("unanswered")]))
    assert (finding.code, finding.fault, finding.certainty) == ("pipelining-broken", "both", "likely")


def test_a_request_after_the_whole_response_is_neither() -> None:
    wire = overlapping(sent_at=210, had=2000)
    wire.close(SERVER, "fin", 350, ack=198)
    assert only(diagnose([wire.done("unanswered")])).code == "close-mid-request"


def test_pipelined_requests_that_are_answered_are_no_finding() -> None:
    wire = overlapping(sent_at=120, had=0)
    wire.answer(300)
    wire.close(SERVER, "fin", 900)
    assert diagnose([wire.done()]) == []
