"""An answer before the request was there, and a reset behind it."""

from __future__ import annotations

from plainwire.diagnose import diagnose
from plainwire.model import ACK
from tests.diagnose.wire import CLIENT, MS, SERVER, Wire, only


def upload(*, complete: bool = False) -> Wire:
    """The answer comes while the body is being sent."""
    wire = Wire()
    request = wire.ask(0, method="PUT", size=1400, complete=complete).request
    assert request is not None
    wire.answer(85, status=413, ack=1400)
    for at in (86.0, 87.0):
        row = wire.segment(CLIENT, at, length=1400, flags=ACK)
        request.end, request.last_ns, request.last_packet = row.seq + 1400, row.time_ns, row.packet
    return wire


def test_a_complete_413_may_have_been_destroyed_by_the_reset_behind_it() -> None:
    wire = upload()
    wire.close(SERVER, "rst", 88, ack=1400)
    finding = only(diagnose([wire.done("complete")]))
    assert (finding.code, finding.fault, finding.certainty) == ("early-response-reset", "server", "likely")
    assert "1400 bytes of a request" in finding.claim
    assert "a complete response (status 413)" in finding.claim


def test_a_beginning_of_the_answer_is_no_reset_in_the_middle_of_a_response() -> None:
    wire = upload()
    response = wire.exchanges[0].response
    assert response is not None
    response.complete = False
    wire.close(SERVER, "rst", 88, ack=1400)
    assert only(diagnose([wire.done("truncated")])).code == "early-response-reset"


def test_a_fin_first_and_a_reset_for_what_came_after_it_are_the_same() -> None:
    wire = upload()
    wire.close(SERVER, "fin", 88, ack=1400)
    wire.close(SERVER, "rst", 160, bare=True, seq=201)
    assert only(diagnose([wire.done("complete")])).code == "early-response-reset"


def test_a_client_that_took_the_answer_and_closed_first_came_to_no_harm() -> None:
    wire = upload()
    wire.close(CLIENT, "fin", 88)
    wire.close(SERVER, "rst", 168, ack=1400)
    assert diagnose([wire.done("complete")]) == []


def test_an_early_answer_without_a_reset_is_normal() -> None:
    wire = upload()
    wire.close(SERVER, "close_notify", 300)
    wire.close(SERVER, "fin", 300)
    assert diagnose([wire.done("complete")]) == []


def test_a_server_that_took_the_whole_request_before_it_reset_did_not_cut_it_short() -> None:
    wire = upload(complete=True)
    wire.close(SERVER, "rst", 400, ack=4200)
    assert diagnose([wire.done("complete")]) == []


def test_a_reset_without_any_answer_is_not_early() -> None:
    wire = Wire()
    wire.ask(0, method="PUT", size=1400, complete=False)
    wire.close(SERVER, "rst", 85, ack=1400)
    wire.rows[-1].time_ns += MS
    assert only(diagnose([wire.done("unanswered")])).code == "reset-mid-request"


def test_a_header_that_the_server_had_enough_of_is_no_upload() -> None:
    """HAProxy answers 400 once a header fills its buffer, and resets what still comes of it."""
    wire = Wire()
    request = wire.ask(0, size=16_384, complete=False).request
    assert request is not None
    wire.answer(85, status=400, ack=16_384)
    row = wire.segment(CLIENT, 86, length=4000, flags=ACK)
    request.end, request.last_ns, request.last_packet = row.seq + 4000, row.time_ns, row.packet
    request.complete, request.headers = True, [("host", "a.test"), ("x", "a" * 20_300)]
    wire.close(SERVER, "rst", 88, ack=16_384)
    finding = only(diagnose([wire.done("complete")]))
    assert (finding.code, finding.fault, finding.certainty) == ("header-growth-431", "client", "likely")
